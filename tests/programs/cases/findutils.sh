# needs: find xargs
# find with its tests and actions, xargs in parallel.
mkdir -p t/{a,b,c}/{x,y}; for i in $(seq 30); do echo $i >t/a/x/f$i.txt; done; ln -s ../a t/b/link; touch -d '2001-01-01' t/c/old; chmod 600 t/c/old; mkfifo t/fifo
find t -type d | sort; find t -name 'f1*.txt' | sort; find t -type l; find t -type p; find t -size -1k -type f | wc -l
find t -newermt 2000-01-01 ! -newermt 2002-01-01; find t -perm 600; find t -empty | sort; find t -maxdepth 1 -mindepth 1 | sort; find -L t/b -name 'f3.txt'
find t -name '*.txt' -exec cat {} + | sort -n | tail -1; find t -name 'f1.txt' -exec echo found {} \; ; find t -name 'f2?.txt' -delete; find t -name '*.txt' | wc -l
find t -printf '%y %m %p\n' | sort | head -5; find t -name x -prune -o -type d -print | sort; find t -path '*/y' | sort; find t -regex '.*f[0-9]\.txt' | wc -l
find t -type f -print0 | xargs -0 wc -c | tail -1; seq 20 | xargs -n 7 echo; seq 4 | xargs -P 4 -I{} sh -c 'echo {}' | sort; echo a b | xargs -I% echo [%]
find t -exec false \; -print | wc -l; echo 'x y' | xargs; xargs -a <(seq 3) echo; seq 1000 | xargs -n 50 -P 2 echo | wc -l
find / -maxdepth 1 -type d -name proc; find /proc/self -maxdepth 1 -name status; find t -nonexistent 2>/dev/null; echo $?
