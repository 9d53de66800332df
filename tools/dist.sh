#!/usr/bin/env bash
# Build the wheel and the sdist in dist/, and try both as a stranger would: the wheel in a bare environment, without PyTorch and
# with the oldest NumPy allowed; the sdist unpacked, by its own `make check`, with the packages installed here.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset PYTHONPATH

rm -rf dist icrl.egg-info/SOURCES.txt  # from which setuptools would take files that MANIFEST.in forgets
"$python" -m build --outdir dist . >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
mkdir "$work/sdist"
tar -xzf dist/*.tar.gz -C "$work/sdist" --strip-components 1
if git rev-parse --git-dir >/dev/null 2>&1; then
    packed() { (cd "$work/sdist" && find . -type f -printf '%P\n' | LC_ALL=C sort); }
    missing=$(comm -23 <(git ls-files | LC_ALL=C sort) <(packed))
    [ -z "$missing" ] || { printf 'The sdist lacks:\n%s\n' "$missing" >&2; exit 1; }
fi

oldest=$(sed -n 's/^ *"numpy>=\([0-9.]*\),.*/\1/p' pyproject.toml)
"$python" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check dist/*.whl "numpy==$oldest.*"
icrl() { (cd "$work" && COLUMNS=120 venv/bin/python -m icrl "$@") >"$work/out" 2>&1; }
complain() { echo "The wheel: $1" >&2; cat "$work/out" >&2; exit 1; }
says() { grep -qF "$1" "$work/out" || complain "does not say “$1”"; }

icrl claims || complain "cannot list the claims"
says "softmax-td"
icrl verify softmax-td --json verified.json || complain "fails where it should have left out what needs PyTorch"
says "softmax-td: numeric not run: needs torch: pip install 'icrl[torch]'"
"$python" - "$work/verified.json" <<'END' || complain "judged what it could not run"
import json, sys

[claim] = json.load(open(sys.argv[1]))["claims"]
assert claim["status"] == "checked" and {check["kind"]: check["passed"] for check in claim["checks"]} == {
    "kernel": None, "symbolic": True, "exact": True, "certified": True, "numeric": None
}
assert claim["mutants"] and all(mutant["refuted"] for mutant in claim["mutants"])
END
icrl diagnose FrozenLake-v1 || complain "cannot diagnose"
says "FrozenLake-v1"
! icrl pretrain || complain "pretrains without PyTorch"
says "icrl pretrain: needs torch: pip install 'icrl[torch]'"
test -f "$work"/venv/lib/python*/site-packages/icrl/py.typed || complain "has no py.typed"

make --silent -C "$work/sdist" -o .venv/ready check RUN="$python"
