# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# needs - have the Debian packages that quickstart and check rely on
#
# Sourced by both. Which packages, and why, is packaging/needs.txt.
# Installs only what is missing, says what and why, and becomes root only if
# it has to.

# Is the thing that a package is wanted for there already?
needs_has() {
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

# The missing packages of the groups named, one "package why" in a line.
needs_missing() {
	local group package probe why

	while read -r group package probe why; do
		case " $* " in
		*" $group "*) needs_has "$probe" || echo "$package $why" ;;
		esac
	done <"$NEEDS_LIST"
}

needs_apt() {
	DEBIAN_FRONTEND=noninteractive \
		"${NEEDS_SUDO[@]}" apt-get -q -y \
		-o Dpkg::Use-Pty=0 -o APT::Cmd::Disable-Script-Warning=1 "$@" \
		</dev/null
}

# Postfix is wanted for its programs alone: it asks nothing, and without a
# configuration of its own its daemon does not start.
needs_preseed() {
	case " $* " in
	*" postfix "*)
		echo "postfix postfix/main_mailer_type select No configuration" |
			"${NEEDS_SUDO[@]}" debconf-set-selections
		;;
	esac
}

# Package lists are fetched when there are none, or when they are too old.
needs_install() {
	needs_preseed "$@" || return
	if ! apt-cache show "$1" >/dev/null 2>&1; then
		needs_apt update || return
		needs_apt install --no-install-recommends "$@"
		return
	fi
	needs_apt install --no-install-recommends "$@" && return
	needs_apt update && needs_apt install --no-install-recommends "$@"
}

# Say how to become root, in NEEDS_SUDO; fail if there is no way.
needs_root() {
	NEEDS_SUDO=(env)
	[ "$(id -u)" -eq 0 ] && return 0
	NEEDS_SUDO=(sudo DEBIAN_FRONTEND=noninteractive)
	command -v sudo >/dev/null || return 1
	sudo -n true 2>/dev/null || [ -t 0 ]
}

# needs LIST GROUP...: afterwards everything is there, or this returns 1.
needs() {
	local missing names log

	NEEDS_LIST=$1
	shift
	missing=$(needs_missing "$@")
	[ -n "$missing" ] || return 0
	echo "These packages are missing:"
	echo "$missing" | while read -r name why; do
		printf '  %-16s %s\n' "$name" "$why"
	done
	names=$(echo "$missing" | cut -d' ' -f1 | tr '\n' ' ')
	if ! command -v apt-get >/dev/null || ! needs_root; then
		echo "Please install them as root, and try again:"
		echo "  apt-get update && apt-get install --no-install-recommends $names"
		return 1
	fi
	echo "Installing them with apt-get."
	log=$(mktemp)
	# shellcheck disable=SC2086 # one word per package
	if ! needs_install $names >"$log" 2>&1; then
		cat "$log"
		rm -f "$log"
		echo "That failed. Please install them as root, and try again:"
		echo "  apt-get update && apt-get install --no-install-recommends $names"
		return 1
	fi
	rm -f "$log"
}
