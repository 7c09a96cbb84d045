# parse, as the attacker has it started: the dynamic linker was told to load evil.so into this very shell; now the tool.
echo "parse: running as $(id -u); trying what was handed on"
exec /data/input/evil-tool
