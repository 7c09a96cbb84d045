# limit: 120
# Much at once: parallel pipelines, many files, deep trees, concurrent writers, a long loop of execs.
mkdir big; (cd big; seq 2000 | xargs touch); ls big | wc -l; find big -type f | xargs -P 4 -n 100 rm; ls big | wc -l
d=deep; for i in $(seq 60); do d=$d/d; done; mkdir -p $d; echo bottom >$d/f; cat $d/f; find deep | wc -l; rm -r deep
for i in 1 2 3 4 5 6 7 8; do (for j in $(seq 50); do echo "$i $j" >>log; done) & done; wait; wc -l <log; sort -u log | wc -l
for i in $(seq 20); do seq 5000 | sort -R | sort -n | md5sum & done | sort -u; wait
for i in $(seq 200); do /bin/echo $i; done | tail -1
head -c 20000000 /dev/zero | tee copy | sha256sum; cat copy copy | wc -c; cp copy copy2; cmp copy copy2 && echo equal
seq 100 | xargs -P 8 -I{} sh -c 'echo {} > f{}; cat f{}' | sort -n | md5sum
mkfifo a b; (cat a >b &) ; (seq 1000 >a &); md5sum <b
for i in $(seq 30); do (sleep 0.2; exit 0) & done; wait; echo slept together
x=$(for i in $(seq 300); do echo -n x; done | wc -c); echo $x
tar cf - /usr/share/doc/bash 2>/dev/null | tar tf - | wc -l; grep -r copyright /usr/share/doc/bash 2>/dev/null | wc -l; du -s --apparent-size /usr/share/doc/bash | wc -l; find /usr/share/doc -name copyright | wc -l; ls -lR /usr/share/doc | wc -l; cat /usr/bin/bash | sha256sum | wc -c; sha256sum /usr/lib/x86_64-linux-gnu/libc.so.6
