# Where work is measured, and how a work is run there: sourced by run.sh. Places are "host", a platform of picket, or "runsc".
# Uses: dir, picket, micro, runsc, platforms, results. Sets: places, notes.

# Standard input and output are files of our own: runsc gives what it is handed to its user, /dev/null too.
: >"$dir/empty"
: >"$dir/errors"

# A work's words with the names of works.txt put in. The host's scratch folder lies on the same file system as the sandbox' root.
words_for() { # WHERE WORD...
	local where=$1 word
	shift
	for word in "$@"; do
		case $word in
		@tmp) [ "$where" = host ] && echo "$dir/scratch" || echo /tmp ;;
		@vol) echo "$dir/volume" ;;
		@data) echo "$dir/data" ;;
		@nothing) echo "$dir/nothing" ;;
		@scripts/*) echo "$dir/${word#@}" ;;
		*) echo "$word" ;;
		esac
	done
}

# In a fresh sandbox. Debian's runsc of 2022 knows no --volume: its `do` sees the host's tree under a layer in memory.
inside() { # WHERE WORDS...
	local where=$1 wait=(timeout -k 5 "${LIMIT:-120}")
	shift
	case $where in
	host) "${wait[@]}" "$@" ;;
	runsc) "${wait[@]}" "$runsc" --network=none --ignore-cgroups do "$@" ;;
	*) "${wait[@]}" "$picket" do --platform "$where" --memory 4Gi --volume "$dir/volume:$dir/volume:rw" -- "$@" ;;
	esac
}

# Prints a number, or nothing when the work failed there; what it said goes to OUT/bench/errors.
on() { # WHERE WORDS...
	local where=$1 words
	shift
	mapfile -t words < <(words_for "$where" "$@")
	echo "# $where: ${words[*]}" >>"$dir/errors"
	inside "$where" "$micro" "${words[@]}" 2>>"$dir/errors" <"$dir/empty" | grep -aE '^[0-9.]+$' | tail -n 1
}

record() { # WORK WHERE ROUND VALUE UNIT
	[ -n "$4" ] && printf '{"work":"%s","on":"%s","round":%d,"value":%s,"unit":"%s"}\n' "$1" "$2" "$3" "$4" "$5" >>"$results"
}

find_places() {
	local p
	places=host
	for p in $platforms; do
		if timeout 20 "$picket" do --platform "$p" -- "$dir/nothing" <"$dir/empty" >/dev/null 2>>"$dir/errors"; then
			places+=" $p"
		else
			notes+=("not measured on $p: a sandbox does not start there ($(tail -n 1 "$dir/errors"))")
		fi
	done
	if [ -z "$runsc" ]; then
		notes+=("not measured on runsc: it is not installed (make bench-peers)")
	elif timeout 60 "$runsc" --network=none --ignore-cgroups do "$dir/nothing" <"$dir/empty" >"$dir/discarded" 2>>"$dir/errors"; then
		places+=" runsc"
		notes+=("runsc is $("$runsc" --version | head -n 1 | cut -d' ' -f3), with the platform that it chooses by itself")
	else
		notes+=("not measured on runsc: it does not start here ($(tail -n 1 "$dir/errors"))")
	fi
}
