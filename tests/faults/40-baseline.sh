# What guests have made is gone when they are: the counts of live objects at the sandbox's end do not grow with what came and went before.
. "$(dirname "$0")/../attacks/lib.sh"
make_root objects
live() { # ROUNDS: the line of counts
	LIMIT=60 tap "$1 rounds" --log "$work/log.$1" --rootfs "$work/root" --cwd /tmp -- /bin/objects "$1"
	# The last process' task may still be held by whoever saw it die.
	counts=$(sed -n 's/.*live at the end: //p' "$work/log.$1" | sed 's/tasks [01],/tasks at most 1,/')
}
live 2
few=$counts
live 40
expect "counts of live objects after 40 rounds are those after 2" "$counts" "$few"
check "they were told" test -n "$few"
finish
