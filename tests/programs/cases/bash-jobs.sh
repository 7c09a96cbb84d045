# Background jobs, wait, signals, traps, job control.
sleep 0.1 & wait $!; echo "waited $?"
(exit 7) & wait $!; echo "status $?"
for i in 1 2 3 4 5; do (exit $i) & pids+=($!); done
for p in "${pids[@]}"; do wait "$p"; echo -n "$? "; done; echo
sleep 100 & kill $!; wait $!; echo "killed $?"
sleep 100 & kill -9 $!; wait $!; echo "killed $?"
trap 'echo got USR1' USR1; kill -USR1 $$; trap - USR1
trap 'echo interrupted; exit 5' INT
(trap 'echo sub TERM; exit 9' TERM; kill -TERM $BASHPID; sleep 5); echo $?
bash -c 'kill -SEGV $$'; echo $?
bash -c 'trap "" PIPE; yes 2>/dev/null | head -1; echo ${PIPESTATUS[1]}'
timeout 0.2 sleep 10; echo "timeout $?"
timeout -s KILL 0.2 sleep 10; echo "timeout $?"
timeout 5 true; echo "timeout $?"
set -m
sleep 100 & kill -STOP %1; sleep 0.1; jobs %1 | sed 's/ *sleep.*//'; kill -CONT %1; kill %1; wait %1; echo $?
set +m
(sleep 0.05; echo late) & wait; echo done
wait -n 2>/dev/null; echo "none $?"
ulimit -n 64; ulimit -n
echo $(ulimit -Sn)
trap 'echo exiting' EXIT
kill -INT $$
