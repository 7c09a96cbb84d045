#!/bin/bash
# Pictures of the last `make bench`: ratios.svg and .png, bars of the ratio to the host by work; curves.svg and .png where curves were measured.
# Usage: plot.sh DIRECTORY, that of summary.jsonl. Status 1 where gnuplot is not installed.
set -u
command -v gnuplot >/dev/null || exit 1
cd "$1" || exit 2
field='function field(name,   a) { if (!match($0, "\"" name "\":\"?[^,\"}]*")) return ""; a = substr($0, RSTART, RLENGTH); sub("\"" name "\":\"?", "", a); return a }'
# A line a work: name, then the ratios of seccomp, ptrace and runsc, ? where one was not measured.
awk "$field"'
field("ratio") != "" && field("ratio") != "null" && field("work") !~ /@/ {
	w = field("work")
	if (!(w in seen)) { seen[w] = 1; order[++n] = w }
	ratio[w, field("on")] = field("ratio")
}
function of(w, p) { return ((w, p) in ratio) ? ratio[w, p] : "?" }
END { for (i = 1; i <= n; i++) print order[i], of(order[i], "seccomp"), of(order[i], "ptrace"), of(order[i], "runsc") }' summary.jsonl >ratios.dat
awk "$field"'
field("work") ~ /@/ { split(field("work"), w, "@"); print w[2], field("median") / 1000 > ("curve-" w[1] "-" field("on") ".dat") }' summary.jsonl
draw() { # TERMINAL FILE
	local rows
	rows=$(wc -l <ratios.dat)
	[ "$rows" -gt 0 ] || return 0
	gnuplot 2>gnuplot.log <<-EOF
		set terminal $1 size 1100,$((rows * 26 + 160))
		set output "$2"
		set title "Time beside the host's (1 = as on the host; left is better)"
		set logscale x 2
		set xrange [0.25:*]
		set yrange [$rows - 0.5:-0.5]
		set grid x
		set key top right outside horizontal
		set style fill solid 0.85 noborder
		set ytics out nomirror
		set arrow from 1, graph 0 to 1, graph 1 nohead lw 2
		plot "ratios.dat" using (0.25):0:ytic(1) with dots notitle lc rgb "white", \\
		     "" using (0.25):(\$0 - 0.25):(0.25):2:(\$0 - 0.36):(\$0 - 0.12) with boxxyerror title "picket, seccomp" lc rgb "#1f77b4", \\
		     "" using (0.25):(\$0):(0.25):3:(\$0 - 0.11):(\$0 + 0.11) with boxxyerror title "picket, ptrace" lc rgb "#9ecae1", \\
		     "" using (0.25):(\$0 + 0.25):(0.25):4:(\$0 + 0.12):(\$0 + 0.36) with boxxyerror title "runsc" lc rgb "#d62728"
	EOF
}
draw svg ratios.svg && draw pngcairo ratios.png
curves=$(ls curve-*.dat 2>/dev/null)
[ -z "$curves" ] && exit 0
for kind in "svg svg" "pngcairo png"; do
	set -- $kind
	{
		printf 'set terminal %s size 1100,700\nset output "curves.%s"\nset logscale xy\nset grid\nset key outside\n' "$1" "$2"
		printf 'set title "What one call costs as there is more of something"\nset xlabel "how many"\nset ylabel "us a call"\nplot '
		sep=
		for f in $curves; do
			name=${f#curve-}
			printf '%s"%s" with linespoints title "%s"' "$sep" "$f" "${name%.dat}"
			sep=', '
		done
		echo
	} | gnuplot
done
rm -f curve-*.dat
