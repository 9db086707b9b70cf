#!/usr/bin/zsh
# SPDX-License-Identifier: MIT
zmodload zsh/net/socket zsh/zselect zsh/system
trap '' PIPE
bytes() { for n; do printf '\\x%02x' $((n & 255)) $((n >> 8 & 255)) $((n >> 16 & 255)) $((n >> 24)); done; }
tell() { syswrite -o 5 -- "$(printf "$(bytes $$ $((8#$GENERATION)) $1)")"; }
while [[ ! $reply =~ 5 ]] && tell 1; do # AVAIL, and somebody hears it
	zselect -r 5 -r 6
	if zsocket -a 6 2>/dev/null; then
		tell 0 # TAKEN
		print -u $REPLY "hello from zsh"
		exec {REPLY}>&-
	fi
done
