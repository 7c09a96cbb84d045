# 50 pipelines of three processes, as a shell script would have them.
i=0
while [ $i -lt 50 ]; do
	echo "line $i of some text" | tr a-z A-Z | cat >/dev/null
	i=$((i + 1))
done
