# needs: sed awk grep
seq 30 >n; printf 'alpha 1\nbeta 2\ngamma 3\n' >w
sed -n '5,7p' n; sed 's/1/one/g; 3q' n; sed '/2/!d; s/^/> /' n | head -3; sed -i.bak 's/alpha/ALPHA/' w; cat w w.bak | sort -u; sed -E 's/([a-z]+) ([0-9])/\2 \1/' w; sed '$!N; s/\n/+/' n | head -2
sed = w | sed 'N; s/\n/:/'; sed -n '$=' n; sed 'y/abc/xyz/' w; sed '1i first
$a last' w; sed -s -n '1F;1p' w w.bak; sed 's/beta/echo run/e' w | head -2
awk '{s += $1} END {print s, NR}' n; awk '$2 > 1 {print $1, length($1)}' w; awk -F: '{print $1}' /etc/passwd | head -1; awk 'BEGIN {for (i = 0; i < 5; i++) a[i] = i * i; for (i = 0; i < 5; i++) printf "%d ", a[i]; print ""}'
awk 'BEGIN {"echo piped" | getline x; print x; print "to sort 2\nto sort 1" | "sort"; close("sort"); system("echo system")}'; awk '{print toupper(substr($0, 1, 3)), index($0, "a"), split($0, p, "a")}' w
awk 'BEGIN {printf "%.3f %e %s\n", 3.14159, 12345.678, sprintf("%5s|", "x"); print match("foobar", /o+/), RSTART, RLENGTH}'; awk -v v=9 'BEGIN {print v * 2, ENVIRON["LANG"]}'; awk 'NR % 10 == 0' n
grep -c 1 n; grep -n beta w; grep -v a w; grep -E '^(1|2)[0-9]$' n | wc -l; grep -o '[0-9]*$' w; grep -r gamma . | sort; grep -l beta w*; grep -q nothing n; echo $?; grep -A1 -B1 beta w; grep -w 1 n; grep -F '[' w; echo $?; grep -i alpha w; grep -P '\d\d' n | head -1; grep -f <(echo beta) w; zgrep -c 1 n
