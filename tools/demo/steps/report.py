"""Prints what parse has sealed, as a table."""
import json
import pathlib

data = json.loads(pathlib.Path("/data/input/summary.json").read_text())

print(f"{data['system']}: {data['packages']} packages, collected under {data['kernel']}")
print()
print(f"{'SECTION':<16}{'PACKAGES':>9}{'SIZE':>12}")
for row in data["sections"]:
    print(f"{row['name']:<16}{row['packages']:>9}{row['kib'] / 1024:>8.1f} MiB")
print()
print(f"{'LARGEST':<32}{'SIZE':>12}")
for row in data["largest"]:
    print(f"{row['name'][:30]:<32}{row['kib'] / 1024:>8.1f} MiB")
for row in data["events"]:
    print(f"{row['day']}: {row['count']} x {row['action']}")
