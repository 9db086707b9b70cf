# SPDX-License-Identifier: MIT
# fish completion for ostler(1). The words come from ostler itself.

function __ostler_words
    set -l typed (commandline -opc)
    set -l word (commandline -ct)
    switch "$typed[-1]"
        case -s --socket -r --root -d --daemon-directory
            __fish_complete_path $word
            return
        case -t --timeout
            return
    end
    if string match -q -- '-*' $word
        $typed[1] __options 2>/dev/null
    else if contains -- check $typed; or contains -- plan $typed; or contains -- upgrade $typed
        __fish_complete_path $word
    else
        $typed[1] __describe $typed[2..-1] 2>/dev/null
    end
end

complete -c ostler -f -a '(__ostler_words)'
