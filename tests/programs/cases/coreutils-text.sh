# The text tools of coreutils.
seq 20 >n
head -2 n; tail -2 n; tail -n +19 n; tac n | head -2; nl -ba n | tail -1; wc n
sort -rn n | head -3; sort -R --random-source=n n | wc -l; printf 'b 2\na 10\nc 1\n' | sort -k2n
printf 'a\na\nb\n' | uniq -c; printf 'x:1\ny:2\n' >l; printf 'x:A\nz:B\n' >r; join -t: l r; comm <(seq 1 3) <(seq 2 4)
cut -d: -f1 l; paste l r; tr a-z A-Z <l; echo hello | rev; expand <<<$'a\tb'; fold -w 3 <<<abcdefg; fmt -w 20 <<<'the quick brown fox jumps over it'
md5sum n; sha1sum n; sha256sum n; sha512sum n | cut -c1-20; b2sum n | cut -c1-20; cksum n; sum n
base64 n | head -1; base64 -d <<<aGVsbG8K; base32 <<<hi; od -An -tx1 <<<abc; basenc --base16 <<<hi
seq -s, 5; seq 1 0.5 3; seq -w 8 11; factor 360 97; expr 3 + 4; expr abc : 'a\(.\)'; numfmt --to=iec 1048576
printf '%s %d %o %x\n' a 10 8 255; echo -e 'a\tb'; yes no | head -2; test 3 -gt 2 && echo yes
date -u -d @1000000000 '+%F %T %Z'; date -u -d '2024-02-29 +1 year' +%F; TZ=America/New_York date -d @1700000000 +%H
cat -A <<<$'a\tb'; tr -dc 0-9 <<<a1b2; echo; tr -s ' ' <<<'a   b'; shuf -n 3 --random-source=n n | wc -l; tsort <<<'a b b c'; ptx <<<'a b' | wc -l
id -u; id -un; groups | wc -w; whoami; logname 2>/dev/null | wc -l; arch; nproc | grep -c .; uname -s; uname -m; hostid | wc -c; tty; printenv LANG; env | sort | grep -c =
expr $(nice -n 5 nice) - $(nice); stdbuf -oL echo buffered; nohup echo hup 2>/dev/null; chroot --version | head -1 | cut -c1-6; timeout 1 echo in time; sleep 0.01 && echo slept
true; echo $?; false; echo $?; kill -l 9; stty size 2>/dev/null || echo no tty
