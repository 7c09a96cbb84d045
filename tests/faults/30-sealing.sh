# Section 8, line 6: an output is sealed wholly or not at all; a state file is never half written. A pipeline is killed at many points, its
# disk runs full, its outputs hold what may not be sealed.
. "$(dirname "$0")/../attacks/lib.sh"
run() { timeout -k 2 "${LIMIT:-60}" "$PICKET" pipeline run --platform "$PLATFORM" --state "$1" "$2" >"$work/out" 2>"$work/err" </dev/null; }
pipeline() { # FILE COMMAND: one step with one output, a second that reads it
	cat >"$1" <<END
apiVersion: picket/v1
kind: Pipeline
metadata: {name: faults}
spec:
  steps:
  - name: make
    rootfs: /
    command: ["/bin/sh", "-c", "$2"]
    outputs: [{name: out, mountPath: /data/output}]
    timeout: ${3:-60s}
  - name: read
    needs: [make]
    rootfs: /
    command: ["/bin/sh", "-c", "cat /data/input/* | wc -c"]
    inputs: [{from: make.out, mountPath: /data/input}]
END
}
# Every record and table of the state parses; every sealed output is complete: its files sum up to what its own manifest says.
sound() {
	local f
	find "$1" -name '*.json' | while read -r f; do python3 -m json.tool "$f" >/dev/null 2>&1 || echo "half written: $f"; done
	# What is under its hash is what it says: two runs of the same bytes give the same name.
	find "$1/store" -mindepth 2 -maxdepth 2 -name '[0-9a-f]*' | while read -r f; do
		[ -s "$f/manifest" ] && [ -d "$f/tree" ] || echo "not whole: $f"
	done
}

pipeline "$work/good.yaml" 'seq 10000 > /data/output/a; seq 20000 > /data/output/b'
run "$work/state" "$work/good.yaml"
expect "a good pipeline" $? 0
expect "its state is sound" "$(sound "$work/state")" ""

pipeline "$work/big.yaml" 'for i in 1 2 3 4 5 6 7 8; do seq 50000 > /data/output/f$i; done'
for after in 0.02 0.05 0.1 0.15 0.2 0.25 0.3 0.4 0.5 0.7; do
	timeout -s KILL $after "$PICKET" pipeline run --platform "$PLATFORM" --state "$work/state" "$work/big.yaml" >/dev/null 2>&1 </dev/null
	left=$(sound "$work/state")
	[ -z "$left" ] || break
done
expect "killed at ten points: the state is sound" "$left" ""
run "$work/state" "$work/big.yaml"
expect "and the pipeline runs afterwards" $? 0
check "the second step reads all of it" grep -q 2311152 "$work/out"
expect "it takes away what the killed ones left unfinished" "$(find "$work/state" -name ".tmp*" -o -path "*/work/*")" ""
sleep 0.3
expect "no process is left" "$(pgrep -f "$work/big.yaml" | wc -l)" 0

for content in 'mkfifo /data/output/p' 'ln -s /etc/passwd /data/output/l' 'ln -s ../../../etc /data/output/l' \
	"python3 -c 'import os, sys; os.mknod(sys.argv[1], 0o140644)' /data/output/k"; do
	pipeline "$work/bad.yaml" "$content"
	run "$work/state" "$work/bad.yaml"
	expect "an output that may not be sealed (${content:0:30}): status" $? 1
	check "and the message names the file" grep -q 'make.out: [plk] is a' "$work/err" "$work/out"
done
# A set-id bit is refused when it is set or when it is sealed; either way none is in the store.
pipeline "$work/setid.yaml" 'cp /bin/true /data/output/s; chmod 6755 /data/output/s; true'
run "$work/state" "$work/setid.yaml"
expect "no set-id bit is in the store" "$(find "$work/state/store" -perm /6000)" ""

pipeline "$work/fails.yaml" 'echo x > /data/output/f; exit 3'
run "$work/state" "$work/fails.yaml"
expect "a step that fails: status" $? 1
check "the message names step and status" grep -q 'make.*3' "$work/err" "$work/out"
pipeline "$work/slow.yaml" "trap '' TERM; while :; do sleep 1; done" 1s
start=$SECONDS
run "$work/state" "$work/slow.yaml"
expect "a step that ignores SIGTERM at its timeout: status" $? 1
check "ends in its time" [ $((SECONDS - start)) -lt 10 ]
check "and says so" grep -qi 'time' "$work/err" "$work/out"

if [ "$(id -u)" = 0 ] && mkdir "$work/small" && mount -t tmpfs -o size=1m tmpfs "$work/small" 2>/dev/null; then
	pipeline "$work/full.yaml" 'seq 400000 > /data/output/f'
	run "$work/small" "$work/full.yaml"
	status=$?
	check "a full disk: the run fails" [ $status -ne 0 ]
	check "with the reason" grep -qi 'space\|full' "$work/err" "$work/out"
	expect "and a sound state" "$(sound "$work/small")" ""
	umount "$work/small"
else
	skip "a full disk while sealing" "no tmpfs can be mounted here"
fi

# Bad files: nothing is started.
bad_file() { # NAME PATTERN TEXT
	printf '%s\n' "$3" >"$work/wrong.yaml"
	rm -rf "$work/untouched"
	run "$work/untouched" "$work/wrong.yaml"
	expect "$1: status 2" $? 2
	expect "$1: one sentence" "$(grep -c . "$work/err")" 1
	check "$1: with the file and a line" grep -q 'wrong.yaml:[0-9]' "$work/err"
	check "$1: that says '$2'" grep -qi -- "$2" "$work/err"
}
head='apiVersion: picket/v1
kind: Pipeline
metadata: {name: x}
spec:
  steps:'
bad_file "an unknown key" colour "$head
  - {name: a, rootfs: /, command: [/bin/true], colour: red}"
bad_file "a cycle" circle "$head
  - {name: a, rootfs: /, command: [/bin/true], needs: [b]}
  - {name: b, rootfs: /, command: [/bin/true], needs: [a]}"
bad_file "a missing input" none "$head
  - {name: a, rootfs: /, command: [/bin/true], inputs: [{from: none.out, mountPath: /in}]}"
bad_file "a duplicate name" a "$head
  - {name: a, rootfs: /, command: [/bin/true]}
  - {name: a, rootfs: /, command: [/bin/true]}"
bad_file "no command" command "$head
  - {name: a, rootfs: /}"
bad_file "bad YAML" '' "$head
  - {name: a, rootfs"
finish
