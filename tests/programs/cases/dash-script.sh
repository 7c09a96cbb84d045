# shell: dash
# needs: dash
# A POSIX shell: here-documents, traps, getopts, eval, set, read, printf, pipelines.
set -- -a -b value rest
while getopts ab: opt; do echo "opt $opt ${OPTARG-}"; done
shift $((OPTIND - 1)); echo "rest $*"
trap 'echo bye' EXIT
trap 'echo term' TERM
kill -TERM $$
x='a b  c'; set -- $x; echo $#
IFS=:; set -- $PATH; echo $#; unset IFS
eval 'y=5; echo $y'
cat <<A; cat <<B
first
A
second $y
B
printf '%s\n' one two | while read l; do echo "<$l>"; done
(exit 3) || echo $?
{ echo grouped; } | cat
i=0; until [ $i -ge 3 ]; do i=$((i + 1)); echo $i; done
f() { echo "in f: $1"; return 2; }; f arg; echo $?
: >file; [ -e file ] && [ ! -s file ] && echo empty
umask 077; >private; ls -l private | cut -c1-10
cd /tmp && pwd; cd - >/dev/null
command -v sh >/dev/null && echo found
test -t 1 || echo no terminal
sleep 0.1 & wait; echo waited
echo "a\tb"
for f in /etc/passwd /nonexistent; do [ -r $f ] && echo readable || echo not; done
exit 6
