# Medians and ratios from the JSON lines of run.sh. Variables: table (works.txt), curves (curves.txt), places, summary.
function field(name,   a) {
	if (!match($0, "\"" name "\":\"?[^,\"}]*"))
		return ""
	a = substr($0, RSTART, RLENGTH)
	sub("\"" name "\":\"?", "", a)
	return a
}
{
	key = field("work") SUBSEP field("on")
	value[key, ++count[key]] = field("value") + 0
}
function sort_key(key,   i, j, v) {
	for (i = 2; i <= count[key]; i++) {
		v = value[key, i]
		for (j = i - 1; j > 0 && value[key, j] > v; j--)
			value[key, j + 1] = value[key, j]
		value[key, j + 1] = v
	}
}
function median(key,   n) {
	n = count[key]
	if (!n)
		return 0
	sort_key(key)
	return n % 2 ? value[key, (n + 1) / 2] : (value[key, n / 2] + value[key, n / 2 + 1]) / 2
}
function spread(key,   n) {
	n = count[key]
	return n > 1 ? (value[key, n] - value[key, 1]) / 2 : 0
}
function time(ns) {
	if (ns < 10000)
		return sprintf("%.2f us", ns / 1000)
	if (ns < 1000000)
		return sprintf("%.0f us", ns / 1000)
	return sprintf("%.1f ms", ns / 1000000)
}
function percent(key, m) {
	return m ? sprintf("±%2.0f%%", 100 * spread(key) / m) : ""
}
# Whether the median keeps to the bound: "2.5us", "2.0x".
function verdict(bound, m, host) {
	if (bound ~ /us$/)
		return m <= bound * 1000 ? "met" : "MISSED"
	if (bound ~ /x$/)
		return m <= (bound + 0) * host ? "met" : "MISSED"
	return ""
}
function trim(s) {
	gsub(/^ +| +$/, "", s)
	return s
}
function cell(name, where, host,   key, m) {
	key = name SUBSEP where
	m = median(key)
	if (!m) {
		printf "  %-24s", "-"
		return 0
	}
	printf "  %9s %5s %6s  ", time(m), percent(key, m), where == "host" || !host ? "" : sprintf("%.2fx", m / host)
	printf "{\"work\":\"%s\",\"on\":\"%s\",\"median\":%.1f,\"half_range\":%.1f,\"ratio\":%s}\n", name, where, m, spread(key), \
		host ? sprintf("%.3f", m / host) : "null" > summary
	return m
}
END {
	printf "" > summary
	n = split(places, place, " ")
	printf "%-38s %-6s", "work", "asked"
	for (i = 1; i <= n; i++)
		printf "  %-24s", place[i]
	print ""
	rows = split(table, row, "\n")
	for (r = 1; r <= rows; r++) {
		if (split(row[r], f, "|") < 5)
			continue
		name = trim(f[1])
		bound = trim(f[3])
		host = median(name SUBSEP "host")
		if (!host)
			continue
		printf "%-38s %-6s", trim(f[2]), bound
		for (i = 1; i <= n; i++) {
			m = cell(name, place[i], host)
			if (place[i] == "seccomp" && m)
				judged = verdict(bound, m, host)
		}
		print judged
		judged = ""
	}
	rows = split(curves, row, "\n")
	for (r = 1; r <= rows; r++) {
		split(row[r], f, "|")
		counts = split(trim(f[4]), many, " ")
		for (c = 1; c <= counts; c++) {
			name = trim(f[1]) "@" many[c]
			host = median(name SUBSEP "host")
			if (!host)
				continue
			printf "%-45s", trim(f[2]) ": " many[c]
			for (i = 1; i <= n; i++)
				cell(name, place[i], host)
			print ""
		}
	}
	bwrap = median("start" SUBSEP "bwrap")
	if (count["start" SUBSEP "host"]) {
		printf "%-38s %-6s", "a fresh sandbox: do /bin/true", "2.0x b"
		for (i = 1; i <= n; i++) {
			m = cell("start", place[i], place[i] == "host" ? 0 : bwrap)
			if (place[i] == "seccomp" && m && bwrap)
				judged = verdict("2.0x", m, bwrap)
		}
		printf "%s\n", judged
		printf "  (the ratio is to bwrap --unshare-all: %s %s)\n", time(bwrap), percent("start" SUBSEP "bwrap", bwrap)
	}
	for (i = 1; i <= n; i++) {
		m = median("idle" SUBSEP place[i])
		if (!m)
			continue
		printf "idle sandbox, all processes, PSS: %-8s %6.1f MiB %s\n", place[i], m / 1048576, place[i] == "runsc" ? "" : (m <= 4194304 ? "(4 asked: met)" : "(4 asked: MISSED)")
		printf "{\"work\":\"idle\",\"on\":\"%s\",\"median\":%d,\"unit\":\"bytes\"}\n", place[i], m > summary
	}
}
