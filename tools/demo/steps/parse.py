"""Reads what collect has sealed; writes one JSON file. Only the standard library."""
import collections
import json
import pathlib
import re

SOURCE = pathlib.Path("/data/input")
TARGET = pathlib.Path("/data/output/summary.json")


def packages(text):
    """The stanzas of dpkg's status file, as dictionaries of their one-line fields."""
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", stanza, re.M))
        if fields.get("Status", "").endswith(" installed"):
            yield fields


def events(folder):
    """Lines of dpkg's log by day and action."""
    log = folder / "dpkg.log"
    if not log.exists():
        return
    for line in log.read_text(errors="replace").splitlines():
        part = line.split()
        if len(part) > 3 and part[2] in ("install", "upgrade", "remove"):
            yield part[0], part[2]


def main():
    installed = list(packages((SOURCE / "status").read_text()))
    size = collections.Counter()
    count = collections.Counter()
    for p in installed:
        section = p.get("Section", "unknown").split("/")[-1]
        count[section] += 1
        size[section] += int(p.get("Installed-Size", 0))
    largest = sorted(installed, key=lambda p: int(p.get("Installed-Size", 0)), reverse=True)[:5]
    by_day = collections.Counter(events(SOURCE / "log"))
    TARGET.write_text(json.dumps({
        "system": re.search(r'PRETTY_NAME="(.*)"', (SOURCE / "os-release").read_text()).group(1),
        "kernel": (SOURCE / "kernel").read_text().strip(),
        "packages": len(installed),
        "sections": [{"name": s, "packages": count[s], "kib": kib} for s, kib in size.most_common(8)],
        "largest": [{"name": p["Package"], "version": p["Version"], "kib": int(p["Installed-Size"])} for p in largest],
        "events": [{"day": d, "action": a, "count": n} for (d, a), n in sorted(by_day.items())[-6:]],
    }, indent=1))
    print(f"{len(installed)} packages in {len(count)} sections, {sum(by_day.values())} log events")


main()
