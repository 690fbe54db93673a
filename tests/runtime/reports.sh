#!/bin/bash
# Has validators that are not ours judge every form of the report.
#
#   tests/runtime/reports.sh [-o DIR] [REPORT.json ...]
#
# Without a REPORT the ones kept beside the samples are taken. Needs the program in target/, Python
# with venv, npm and a network for the first run: the validators are put into DIR/tools and stay there.
#   JSON       check-jsonschema with schema/report-1.json
#   SARIF      the SARIF SDK's multitool: its rules, and the schema of the format; also of the gate
#   JUnit      the schema of Jenkins' xUnit plugin, as pytest's source archive has it
#   CycloneDX  JsonStrictValidator of cyclonedx-python-lib
#   SPDX       pyspdxtools
#   CSV        Python's csv module in strict mode
# Each validator must also refuse a file that is wrong. Ends with the counts, and with 1 when anything
# went otherwise.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
out=${TMPDIR:-/tmp}/seaworthy-reports
if [ "${1:-}" = -o ]; then out=$2; shift 2; fi
program=${SEAWORTHY:-$top/target/debug/seaworthy}
[ -x "$program" ] || { echo "$program is not built: cargo build" >&2; exit 2; }
if [ $# -eq 0 ]; then set -- "$top"/sample-apps/*/expect/report.json; fi
tools=$out/tools; mkdir -p "$tools"

if [ ! -e "$tools/.ready" ]; then
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" -q install 'cyclonedx-python-lib[json-validation]==11.12.0' \
    spdx-tools==0.8.5 xmlschema==4.3.2 check-jsonschema==0.39.0
  "$tools/venv/bin/pip" -q download --no-deps --no-binary :all: -d "$tools" pytest==9.2.0
  tar -xzf "$tools/pytest-9.2.0.tar.gz" -C "$tools" --strip-components 3 \
    pytest-9.2.0/testing/example_scripts/junit-10.xsd
  npm --prefix "$tools" install --silent --no-audit --no-fund --ignore-scripts \
    @microsoft/sarif-multitool-linux@5.7.0
  chmod +x "$tools/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"
  touch "$tools/.ready"
fi
multitool=$tools/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
bin=$tools/venv/bin

declare -A good=() bad=()
judge() { # FORM FILE COMMAND...: counts the command's verdict
  local form=$1 file=$2; shift 2
  if "$@" > "$file.$form.log" 2>&1; then good[$form]=$((${good[$form]:-0} + 1))
  else bad[$form]=$((${bad[$form]:-0} + 1)); echo "REFUSED $form $file"; head -5 "$file.$form.log"; fi
}
sarif() { # The multitool ends with 0 whatever it finds: its own log is what counts.
  DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$multitool" validate "$1" -o "$1.judged" \
    --log ForceOverwrite --rule-kind Sarif
  python3 - "$1.judged" <<'P'
import collections, json, sys
log = json.load(open(sys.argv[1], encoding="utf-8-sig"))
run = log["runs"][0]
levels = {r["id"]: r.get("defaultConfiguration", {}).get("level", "warning") for r in run["tool"]["driver"].get("rules", [])}
seen = collections.Counter()
for r in run.get("results", []):
    seen[(r["ruleId"], r.get("level") or levels.get(r["ruleId"].split("/")[0], "warning"))] += 1
print(dict(seen))
told = [n for i in run.get("invocations", []) for k in ("toolExecutionNotifications", "toolConfigurationNotifications") for n in i.get(k, [])]
wrong = [n for n in told if n.get("level") == "error"] + [s for s in seen if s[1] == "error"]
sys.exit(1 if wrong else 0)
P
}
cyclonedx() {
  "$bin/python" - "$1" <<'P'
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
print(fault); sys.exit(1 if fault else 0)
P
}
csv() {
  python3 - "$1" <<'P'
import csv, sys
rows = list(csv.reader(open(sys.argv[1], newline=""), strict=True))
sys.exit(0 if rows and {len(r) for r in rows} == {len(rows[0])} else 1)
P
}

# A validator that takes everything proves nothing.
refuses() { # FORM FILE COMMAND...
  local form=$1 file=$2; shift 2
  if "$@" > "$file.log" 2>&1; then bad[$form]=$((${bad[$form]:-0} + 1)); echo "TAKES ANYTHING: $form"; fi
}
wrong=$out/wrong; mkdir -p "$wrong"
echo '{"schema": 1}' > "$wrong/r.json"
echo '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": 1}}, "results": "none"}]}' > "$wrong/r.sarif"
echo '<testsuites><bogus/></testsuites>' > "$wrong/r.xml"
echo '{"bomFormat": "CycloneDX", "specVersion": "1.6", "bogus": 1}' > "$wrong/r.cdx.json"
echo '{"spdxVersion": "SPDX-2.3", "dataLicense": "none", "SPDXID": "SPDXRef-DOCUMENT"}' > "$wrong/r.spdx.json"
printf 'a,b\r\n1\r\n' > "$wrong/r.csv"
refuses json "$wrong/r.json" "$bin/check-jsonschema" --schemafile "$top/schema/report-1.json" "$wrong/r.json"
refuses sarif "$wrong/r.sarif" sarif "$wrong/r.sarif"
refuses junit "$wrong/r.xml" "$bin/xmlschema-validate" --schema "$tools/junit-10.xsd" "$wrong/r.xml"
refuses cyclonedx "$wrong/r.cdx.json" cyclonedx "$wrong/r.cdx.json"
refuses spdx "$wrong/r.spdx.json" "$bin/pyspdxtools" -i "$wrong/r.spdx.json"
refuses csv "$wrong/r.csv" csv "$wrong/r.csv"

settings() { # REPORT DIR: a gate that allows, knows, fails and misses something, where there is enough
  python3 - "$1" "$2" <<'P'
import json, sys
found = json.load(open(sys.argv[1]))["findings"]
known = [{"rule": f["rule"], "message": f["message"], "fingerprint": f["fingerprint"]} for f in found[1:4]]
if known: known[0]["message"] = "it said something else"
known.append({"rule": "syslog", "message": "it is gone <b>", "fingerprint": "00ff"})
json.dump({"seaworthy_baseline": 1, "findings": known}, open(sys.argv[2] + "/known.json", "w"))
allow = "".join(f"\n[[allow]]\nrule = '{f['rule']}'\nfingerprint = '{f['fingerprint']}'\nreason = 'it may'\nuntil = {day}\n"
                for f, day in zip(found[:1] + found[4:5], ("2026-06-30", "2026-06-29")))
open(sys.argv[2] + "/seaworthy.toml", "w").write("[gate]\nfail-on = 'note'\ncertainty = 'suspected'\n" + allow)
P
}

for report in "$@"; do
  name=$(echo "$report" | tr / '\n' | grep -v '^expect$\|^report.json$' | tail -1); name=${name%.report.json}
  to=$out/$name; mkdir -p "$to"
  "$program" scan --report "$report" -o "$to/r.json" -o "$to/r.sarif" -o "$to/r.xml" -o "$to/r.md" \
    -o "$to/r.html" -o "$to/r.cdx.json" -o "$to/r.spdx.json" -o "$to/r.paths.csv" -o "$to/r.libraries.csv"
  judge json "$to/r.json" "$bin/check-jsonschema" --schemafile "$top/schema/report-1.json" "$to/r.json"
  judge sarif "$to/r.sarif" sarif "$to/r.sarif"
  judge junit "$to/r.xml" "$bin/xmlschema-validate" --schema "$tools/junit-10.xsd" "$to/r.xml"
  judge cyclonedx "$to/r.cdx.json" cyclonedx "$to/r.cdx.json"
  judge spdx "$to/r.spdx.json" "$bin/pyspdxtools" -i "$to/r.spdx.json"
  judge csv "$to/r.paths.csv" csv "$to/r.paths.csv"
  judge csv "$to/r.libraries.csv" csv "$to/r.libraries.csv"
  settings "$report" "$to"
  code=0
  "$program" check --report "$report" --config "$to/seaworthy.toml" --baseline "$to/known.json" \
    --today 2026-06-30 --quiet -o "$to/gate.sarif" -o "$to/gate.xml" || code=$?
  [ $code -le 1 ] || grep -q '"executionSuccessful": false' "$to/gate.sarif" || { echo "check: $code"; exit 2; }
  judge sarif-gate "$to/gate.sarif" sarif "$to/gate.sarif"
  judge junit-gate "$to/gate.xml" "$bin/xmlschema-validate" --schema "$tools/junit-10.xsd" "$to/gate.xml"
done
for form in json sarif sarif-gate junit junit-gate cyclonedx spdx csv; do
  echo "$form: ${good[$form]:-0} accepted, ${bad[$form]:-0} refused"
done
[ ${#bad[@]} -eq 0 ]
