# SPDX-License-Identifier: MIT
# bash completion for ostler(1). The words come from ostler itself.

_ostler()
{
	local word=${COMP_WORDS[COMP_CWORD]}
	local before=${COMP_WORDS[COMP_CWORD - 1]}
	local typed=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
	local offer

	COMPREPLY=()
	case $before in
	-s | --socket | -r | --root | -d | --daemon-directory)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-t | --timeout)
		return
		;;
	esac
	if [[ $word != -* && " ${typed[*]} " == *" "@(check|plan|upgrade)" "* ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	fi
	# Not compgen -W: that would expand what a service's name contains.
	while IFS=$'\t' read -r offer _; do
		[[ $offer == "$word"* ]] && COMPREPLY+=("$offer")
	done < <(
		if [[ $word == -* ]]; then
			"${COMP_WORDS[0]}" __options
		else
			"${COMP_WORDS[0]}" __complete "${typed[@]}"
		fi 2>/dev/null
	)
}

complete -o filenames -F _ostler ostler
