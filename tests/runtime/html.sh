#!/bin/bash
# Opens the HTML report in a real headless Chromium.
#
#   tests/runtime/html.sh [-o DIR] [NAME.report.json ...]
#
# Needs the program in target/, node, npm, and chromium on the PATH (Debian: apt-get install chromium);
# the driver is put into DIR/tools on the first run and stays there. Checks that each page, of the
# samples and of what is named,
#   says nothing on the console and asks for nothing but itself,
#   filters and searches, opens the row that a link points to, and keeps within the screen,
#   runs nothing of a hostile report, and opens within a second with 5,000 findings (within three
#   seconds with as many paths and libraries too),
# and leaves pictures of phone, desktop and paper, light and dark, in DIR/pictures: look at them.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
out=${TMPDIR:-/tmp}/seaworthy-html
if [ "${1:-}" = -o ]; then out=$2; shift 2; fi
program=${SEAWORTHY:-$top/target/debug/seaworthy}
[ -x "$program" ] || { echo "$program is not built: cargo build" >&2; exit 2; }
browser=${CHROMIUM:-$(command -v chromium)} || { echo "no chromium: apt-get install chromium" >&2; exit 2; }
mkdir -p "$out/pages" "$out/pictures" "$out/tools"
rm -f "$out"/pages/* "$out"/pictures/*
if [ ! -d "$out/tools/node_modules/playwright-core" ]; then
  npm --prefix "$out/tools" install --silent --no-audit --no-fund --ignore-scripts playwright-core@1
fi

python3 "$top/tests/runtime/html-reports.py" "$top/sample-apps/cadview-suite/expect/report.json" "$out/pages"
for sample in "$top"/sample-apps/*/expect/report.json; do
  cp "$sample" "$out/pages/$(basename "$(dirname "$(dirname "$sample")")").json"
done
for report in "$@"; do cp "$report" "$out/pages/$(basename "$report" .report.json).json"; done
for report in "$out"/pages/*.json; do
  "$program" scan --report "$report" -o "${report%.json}.html"
done
NODE_PATH=$out/tools/node_modules node "$top/tests/runtime/html.cjs" "$browser" "$out"
