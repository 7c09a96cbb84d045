# Section 7: what lies on a noexec mount is not executed: by execve, by mmap, by mprotect, by the dynamic linker, as a script.
. "$(dirname "$0")/lib.sh"
make_root noexec
mkdir "$work/vol"
cp "$GUESTS/noexec" "$work/vol/prog"
printf '#!/bin/noexec --ran\n' >"$work/vol/script"
echo text >"$work/vol/text"
ln -s prog "$work/vol/link"
chmod 755 "$work/vol" "$work/vol/prog" "$work/vol/script"
for mode in ro rw; do
	tap "static, $mode" --rootfs "$work/root" --cwd / --volume "$work/vol:/vol:$mode" -- /bin/noexec /vol
done
status() { picket --rootfs "$work/root" --cwd / --volume "$1" -- /vol/prog --ran >/dev/null 2>"$work/err"; echo $?; }
expect "a program on a volume: picket says 126" "$(status "$work/vol:/vol")" 126
check "and names the file and the rule" grep -q '/vol/prog.*noexec\|noexec.*/vol/prog' "$work/err"
expect "with exec it runs" "$(status "$work/vol:/vol:exec")" 55

# Dynamic programs, over the host's root.
if ! command -v gcc >/dev/null || [ ! -e /lib64/ld-linux-x86-64.so.2 ]; then
	skip "the dynamic linker" "no compiler"
	finish
fi
printf '#include <unistd.h>\n__attribute__((constructor)) static void run(void) { write(1, "EVIL\\n", 5); }\n' >"$work/evil.c"
gcc -shared -fPIC -o "$work/vol/evil.so" "$work/evil.c" || exit 1
printf 'int main(void) { return 66; }\n' >"$work/main.c"
gcc -o "$work/vol/dynamic" "$work/main.c"
cp /bin/true "$work/vol/true"
inside() { picket --cwd / --volume "$work/vol:/mnt" "$@" 2>"$work/err"; }
expect "LD_PRELOAD of a library there: its code does not run, the program does" \
	"$(inside --env LD_PRELOAD=/mnt/evil.so -- /bin/sh -c 'echo good')" good
expect "LD_LIBRARY_PATH: nor does it" "$(inside --env LD_LIBRARY_PATH=/mnt -- /bin/sh -c 'echo good')" good
expect "LD_AUDIT: nor does it" "$(inside --env LD_AUDIT=/mnt/evil.so -- /bin/sh -c 'echo good')" good
inside -- /lib64/ld-linux-x86-64.so.2 /mnt/dynamic >/dev/null
one_of "the linker called by hand refuses" $? 127 126 1
inside -- /bin/sh -c '/mnt/dynamic; echo $?' >"$work/out"
expect "a shell gets 126" "$(cat "$work/out")" 126
expect "a program that only reads: an interpreter may read a script there" \
	"$(inside -- /bin/sh -c 'sh /mnt/text.sh 2>/dev/null; cat /mnt/text')" text
if command -v python3 >/dev/null; then
	expect "ctypes can't load it" "$(inside -- /usr/bin/python3 -c '
import ctypes
try:
    ctypes.CDLL("/mnt/evil.so")
    print("loaded")
except OSError:
    print("refused")')" refused
fi
finish
