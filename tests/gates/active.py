"""What of a page acts: handlers, forms, frames, scripts. The frame of the theme has a few of them; what the book says has none.

A script may draw and answer its reader. It may not ask another host, now or later, go elsewhere, or make code out of text;
what spells a name out of pieces to do so (``self["fe" + "tch"]``) is refused for the brackets.
"""

import json
import re
from urllib.parse import urlsplit

OF_THE_FRAME = {("onclick", "toggleFullScreen()"), ("onclick", "window.print()")}
SEARCH = re.compile(r"(\.\./)*search\.html|#")  # where the frame's form leads
EMBEDDING = {"iframe", "frame", "object", "embed", "applet", "base", "portal"}
FETCHED = {"src", "srcset", "data", "poster", "background", "ping", "action", "formaction", "xlink:href", "manifest"}
RUN = {"", "module", "text/javascript", "application/javascript", "text/ecmascript", "application/ecmascript"}
REACHING = re.compile(
    r"\b(fetch|XMLHttpRequest|WebSocket|WebTransport|EventSource|RTCPeerConnection|sendBeacon|importScripts|Worker"
    r"|SharedWorker|serviceWorker|Image|Audio|FontFace|open|submit|location|cookie|eval|Function|constructor|Reflect|atob"
    r"|fromCharCode|fromCodePoint|setTimeout|setInterval|import)\b"
    r"|\b(window|self|globalThis|top|parent|frames|document|navigator|this)\s*(\?\.)?\["
    r"|\.(src|srcset|href|action)\b|\b(src|srcset|href|action|style)\s*:\s*[^\"]|[\"'](src|srcset|href|action|on\w+)[\"']\s*,"
    r"|https?:|wss?:|[\"'`(=]\s*//[\w-]+[.:]\w|\\[xu]"
)
FETCHING = re.compile(r"""(?:url\(|@import\s)\s*["']?((?:https?:)?//[^"')\s]+)""")
NAMESPACE = "http://www.w3.org/2000/svg"  # a name, which nothing is asked of


def is_foreign(address):
    """Whether an address names a host."""
    try:
        return bool(urlsplit(address.strip()).netloc)
    except ValueError:
        return True


def acts(tag, attributes, in_text):
    """What of a tag acts on its own or sends the reader elsewhere; ``in_text``: below the book's own text."""
    problems = [f"<{tag}>"] if tag in EMBEDDING else []
    for name, value in attributes:
        value = value or ""
        content = f' content="{dict(attributes).get("content")}"' if tag == "meta" else ""
        said = f'<{tag} {name}="{value[:60]}"{content}>'
        address = re.sub(r"[\s\x00-\x1f]", "", value).lower()
        handler = value and name.startswith("on") and (in_text or (name, value) not in OF_THE_FRAME)
        form = name in {"action", "formaction"} and (in_text or tag != "form" or not SEARCH.fullmatch(value))
        refresh = tag == "meta" and name == "http-equiv" and address not in {"content-type", "x-ua-compatible"}
        coded = name == "srcdoc" or address.startswith(("javascript:", "vbscript:", "data:text"))
        fetched = name in FETCHED or (name == "href" and tag not in {"a", "area"})
        elsewhere = fetched and is_foreign(value) or name == "style" and re.search(r"url\(\s*[\"']?(\w+:)?//", address)
        if handler or form or refresh or coded or elsewhere:
            problems.append(said)
    return problems


def fetches(style):
    """The addresses of other hosts that a style sheet asks."""
    return FETCHING.findall(style)


def runs(attributes):
    """Whether a script of these attributes is run, and stands in the page itself."""
    attributes = dict(attributes)
    return not attributes.get("src") and (attributes.get("type") or "").strip().lower() in RUN


def only_tells(script):
    """Whether a script does nothing but hand over data: it calls ``proofSteps`` with values that are written out."""
    found = re.fullmatch(r"proofSteps\((.*)\);\n", script, re.S)
    try:
        return bool(found and json.loads(f"[{found[1]}]"))
    except json.JSONDecodeError:
        return False


def reaches(script):
    """The words by which a script could ask another host, go elsewhere, or make code out of text."""
    return [f"a script with {found.group()!r}" for found in REACHING.finditer(script.replace(NAMESPACE, ""))]
