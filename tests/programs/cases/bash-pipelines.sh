# Pipelines of all lengths, statuses, process substitution, coprocesses, redirections.
seq 1000 | grep 7 | sed 's/7/seven/' | sort -r | head -5
for i in $(seq 50); do echo $i | cat | cat; done | tail -3
false | true; echo "${PIPESTATUS[*]}"
set -o pipefail; false | true; echo $?; set +o pipefail
yes | head -3; echo "${PIPESTATUS[*]}"
diff <(seq 5) <(seq 6); echo $?
tee >(wc -l >count) <<<$'a\nb\nc' | cat; wait; sleep 0.1; cat count
coproc up { tr a-z A-Z; }
echo coprocess >&"${up[1]}"; eval "exec ${up[1]}>&-"; cat <&"${up[0]}"
{ echo out; echo err >&2; } 2>&1 >/dev/null | sed 's/^/got /'
exec 5>file; echo five >&5; exec 5>&-; cat file
exec 6<file; read -r x <&6; exec 6<&-; echo "$x"
echo one >file; echo two >>file; cat <file
(echo sub; cd /; pwd); pwd | sed "s|$HOME|HOME|"
echo $(echo $(echo deep))
seq 200000 | wc -l
head -c 1000000 /dev/zero | tr '\0' x | wc -c
cat /dev/null | wc -c
dd if=/dev/zero bs=1000 count=100 2>/dev/null | md5sum
mkfifo pipe; (echo through >pipe &); cat pipe
