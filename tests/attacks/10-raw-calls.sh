# Section 8, line 1: no host call with a guest's pointer. A guest calls by every instruction form; nothing outside may change.
. "$(dirname "$0")/lib.sh"
make_root raw_calls
mkdir "$work/outside"
echo canary >"$work/outside/canary"
name=picket-attack-$$
in_background "$GUESTS/host_listener" "$name" - - "$work/heard"
in_background sleep 600
victim=$last
until grep -q listening "$work/heard" 2>/dev/null; do sleep 0.05; done

tap raw --rootfs "$work/root" --cwd / -- /bin/raw_calls "$work/outside/canary" "$victim" "$name"

expect "from outside: the canary is as it was" "$(cat "$work/outside/canary" 2>&1)" canary
expect "from outside: nothing was made beside it" "$(ls "$work/outside")" canary
check "from outside: the victim lives" kill -0 "$victim"
expect "from outside: the victim is not traced" "$(awk '/TracerPid/ {print $2}' "/proc/$victim/status")" 0
expect "from outside: nobody reached the socket" "$(cat "$work/heard")" listening
finish
