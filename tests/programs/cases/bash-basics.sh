# Variables, arithmetic, arrays, functions, globs, tests, case, here-documents.
set -u
a=5 b=7
echo $((a * b + 3 ** 4)) $((a > b ? 1 : 2)) $((0xff & 0x0f)) ${a}x
declare -A map=([one]=1 [two]=2)
list=(x y "z w")
echo "${#list[@]} ${list[2]} ${map[two]} ${list[@]:1:2}"
s="The quick brown fox"
echo "${s#* } ${s%% *} ${s/quick/slow} ${s^^} ${#s} ${s:4:5}"
f() { local v=$1; echo "f $v $#"; return 3; }
f one two; echo $?
touch a.txt b.txt c.dat
echo *.txt ?.dat [ab].*
shopt -s extglob nullglob
echo !(*.txt) *.none
case "$s" in *quick*) echo matched ;; *) echo no ;; esac
[[ $s =~ ([a-z]+)\ fox ]] && echo "${BASH_REMATCH[1]}"
cat <<END
here $a ${list[0]} $(echo nested)
END
cat <<'END'
raw $a
END
cat <<-END
	tabs go
	END
printf '%05d|%-6s|%x|%q\n' 42 ab 255 "a b"
for ((i = 0; i < 3; i++)); do printf '%s ' $i; done; echo
while read -r x y; do echo "$y $x"; done <<<$'1 2\n3 4'
mapfile -t lines < <(seq 5); echo "${lines[*]}"
(exit 4) || echo "status $?"
! false && echo not
type -t cd f ls
echo {a..e} {1..10..3}
