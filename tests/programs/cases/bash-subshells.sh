# Many forks: nested subshells, command substitution in loops, recursion.
fib() { if [ "$1" -lt 2 ]; then echo "$1"; else echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2))))); fi; }
fib 10
x=; for i in $(seq 200); do x=$(echo "$x" | wc -c); done; echo "$x"
( ( ( ( (echo deep) ) ) ) )
(a=1; (a=2; echo $a); echo $a)
for i in $(seq 100); do /bin/true; done; echo 100 execs
find / -maxdepth 1 -name etc | while read -r d; do (cd "$d" && pwd); done
exec /bin/bash -c 'echo replaced $0 $1' zero one
