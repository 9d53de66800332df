"""A figure with two sliders, sharpness and depth: attention's matrix and the values it leads to, as HTML that needs nothing from elsewhere.

It holds its numbers itself, as text: a weight as one character (64 shades), a value as two (4096 heights). Without scripts,
and in print, it shows nothing: put a still figure beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from icrl.mrp import finite_array

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
"""The character of each of 64 levels."""


def shades(weights: np.ndarray) -> str:
    r"""Numbers in [0, 1], in an array of any shape, a character each: :math:`\lfloor 63\sqrt{w} + \tfrac12 \rfloor`, so that small weights are seen."""
    return "".join(DIGITS[level] for level in np.rint(63 * np.sqrt(weights.ravel())).astype(int))


def heights(values: np.ndarray, low: float, high: float) -> str:
    """Numbers in [low, high], in an array of any shape, two characters each, the larger digit first: 4096 equal steps."""
    levels = np.rint(4095 * (values.ravel() - low) / (high - low)).astype(int)
    return "".join(DIGITS[level // 64] + DIGITS[level % 64] for level in levels)


def dial(
    sharpness: Sequence[float], depths: Sequence[int], weights: ArrayLike, values: ArrayLike, limit: ArrayLike
) -> str:
    """The figure, as HTML of one element, one of a page.

    ``sharpness``: B numbers, the stops of the first slider; ``depths``: L whole numbers, those of the second; ``weights``: (B, S, S), rows that sum to 1;
    ``values``: (B, L, S); ``limit``: (S,), drawn as a line. Raises ``ValueError`` for shapes that do not fit, NaN, infinity,
    weights outside [0, 1], and values that are all equal.
    """
    B, L = len(sharpness), len(depths)
    limit = finite_array("limit", limit, ("S",))
    S = len(limit)
    weights, values = finite_array("weights", weights, (B, S, S)), finite_array("values", values, (B, L, S))
    if weights.min() < 0 or weights.max() > 1:
        raise ValueError(f"weights must lie in [0, 1], got {weights.min():.6g} to {weights.max():.6g}")
    low, high = min(values.min(), limit.min()), max(values.max(), limit.max())
    if low == high:
        raise ValueError(f"values must not all be equal, got {low:.6g} alone")
    texts = {"M": shades(weights), "V": heights(values, low, high), "E": heights(limit, low, high)}
    labels = f"b=[{','.join(f'{beta:g}' for beta in sharpness)}],l=[{','.join(f'{depth:d}' for depth in depths)}]"
    data = ",".join([labels, f"S={S}", *(f'{name}="{text}"' for name, text in texts.items())])
    marks = sorted({low, high, min(max(low, 0.0), high)})
    ticks = "".join(
        f'<text x="28" y="{24 + 160 * (high - mark) / (high - low):.0f}" text-anchor="end">{mark:.3g}</text>'
        for mark in marks
    )
    return (
        TEMPLATE.replace("DATA", data)
        .replace("DIGITS", DIGITS)
        .replace("TICKS", ticks)
        .replace("B-1", str(B - 1))
        .replace("L-1", str(L - 1))
    )


TEMPLATE = """<div id="dial"><style>
#dial .two{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem}#dial svg{flex:1 1 240px;max-width:330px;min-width:0;height:auto}
#dial label{display:block}#dial input{width:100%;max-width:26rem;display:block}
#dial text{fill:currentColor;font:11px sans-serif}#dial rect,#dial circle{fill:var(--book-accent,#0072B2)}
@media print{#dial{display:none}}</style>
<label>Sharpness β = <output></output><input type="range" min="0" max="B-1" value="4"></label>
<label>Layers = <output></output><input type="range" min="0" max="L-1" value="0"></label>
<div class="two"><svg viewBox="0 0 250 220" role="img" aria-label="The matrix M at this sharpness, a shade for each weight"></svg>
<svg viewBox="0 0 255 220" role="img" aria-label="Values by state after these layers, dots, and where all sharpnesses end, a line">TICKS</svg></div>
<script>(()=>{const DATA,D="DIGITS",root=document.getElementById("dial"),[A,G]=root.querySelectorAll("svg"),
I=root.querySelectorAll("input"),O=root.querySelectorAll("output"),d=(s,i)=>D.indexOf(s[i]),
h=(s,i)=>180-160*(64*d(s,2*i)+d(s,2*i+1))/4095,X=i=>42+205*i/(S-1),
add=(g,t,a,w="")=>{const e=document.createElementNS("http://www.w3.org/2000/svg",t);
for(const k in a)e.setAttribute(k,a[k]);e.textContent=w;return g.appendChild(e)},
c=180/S,cells=[...Array(S*S).keys()].map(i=>add(A,"rect",{x:35+c*(i%S),y:20+c*(i/S|0),width:c,height:c}));
add(A,"rect",{x:35,y:20,width:180,height:180,style:"fill:none;stroke:currentColor"});
add(G,"polyline",{points:[...Array(S).keys()].map(i=>X(i)+","+h(E,i)).join(" "),style:"fill:none;stroke:currentColor;stroke-dasharray:5 3"});
const dots=[...Array(S).keys()].map(i=>add(G,"circle",{cx:X(i),r:4}));
for(const[g,x,y,a,w]of[[A,35,13,"start","weights"],[G,42,13,"start","values, and their limit (dashed)"],
[A,35,216,"start","0"],[G,42,216,"start","0"],[A,130,216,"middle","learns from state"],[G,145,216,"middle","state"],
[A,215,216,"end",S-1],[G,252,216,"end",S-1],[A,30,31,"end","0"],[A,30,198,"end",S-1]])add(g,"text",{x,y,"text-anchor":a},w);
const show=()=>{const[p,q]=[...I].map(e=>+e.value);O[0].textContent=b[p];O[1].textContent=l[q].toLocaleString("en");
I.forEach((e,i)=>e.ariaValueText=O[i].textContent);
cells.forEach((e,i)=>e.setAttribute("fill-opacity",d(M,p*S*S+i)/63));dots.forEach((e,i)=>e.setAttribute("cy",h(V,(p*l.length+q)*S+i)))};
I.forEach(e=>e.oninput=show);show()})()</script></div>"""
