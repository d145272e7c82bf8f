# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_staithe_global_optspecs
    string join \n h/help V/version
end

function __fish_staithe_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_staithe_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_staithe_using_subcommand
    set -l cmd (__fish_staithe_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c staithe -n "__fish_staithe_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c staithe -n "__fish_staithe_needs_command" -s V -l version -d 'Print version'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "watch" -d 'Report each file of some directories when it has arrived complete: no server, no configuration'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "quiet" -d 'Wait until nothing has changed in a directory for a while; tell what changes meanwhile'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "run" -d 'Run a configuration until SIGTERM or SIGINT, in the foreground or as a daemon; SIGHUP reloads it'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "stop" -d 'Stop a daemon by its pid file'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "restart" -d 'Stop a daemon and start it again as it was started'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "check" -d 'Validate a configuration without side effects'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "init" -d 'Print a commented configuration, or translate an old program\'s'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "status" -d 'How everything stands; exit code 5 when something needs an eye'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "ls" -d 'List units and their states'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "explain" -d 'Why a path is where it is'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "rules" -d 'The presets and temporary names; of a path: which rule takes it and why'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "notify" -d 'Announce finished files, also of producers on other machines; the source looks and its rule decides'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "tail" -d 'Print live events'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "consume" -d 'Read the embedded queue; without --max it follows'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "ack" -d 'Acknowledge leased events of the embedded queue'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "dead" -d 'Dead letters: events that a sink refused for good'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "rescan" -d 'Compare a source (or all) with its tree now'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "reload" -d 'Make the daemon read its configuration again; a bad one is refused whole'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "pause" -d 'Stop delivering to a sink; its events are kept'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "resume" -d 'Go on delivering to a sink'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "doctor" -d 'Check limits, file systems, permissions and sinks; print the fix for each finding'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "mirror" -d 'Second trees that are kept equal'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "store" -d 'The state directory'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "compat" -d 'Take the place of an old program, with its own flags'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "completions" -d 'Print a shell\'s completions'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "man" -d 'Print the manual page (roff), or write all pages into a directory'
complete -c staithe -n "__fish_staithe_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c staithe -n "__fish_staithe_using_subcommand watch" -l include -d 'Only paths that match this glob or `re:` regex (repeatable)' -r
complete -c staithe -n "__fish_staithe_using_subcommand watch" -l exclude -d 'No paths that match this glob or `re:` regex (repeatable)' -r
complete -c staithe -n "__fish_staithe_using_subcommand watch" -l dataset -d 'A directory that matches this glob or `re:` regex is one unit, with all that is in it (repeatable)' -r
complete -c staithe -n "__fish_staithe_using_subcommand watch" -l settle -d 'A file or dataset must also have been unchanged for so long; a dataset without it: 1m' -r
complete -c staithe -n "__fish_staithe_using_subcommand watch" -l backend -d 'How arrivals are noticed' -r -f -a "auto\t''
inotify\t''
fanotify\t''
poll\t''"
complete -c staithe -n "__fish_staithe_using_subcommand watch" -l state-dir -d 'Remember in this directory what was reported; without it everything is forgotten at the end' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand watch" -l json -d 'One JSON event per line, also on a terminal'
complete -c staithe -n "__fish_staithe_using_subcommand watch" -l no-recursive -d 'Leave out what lies in directories below'
complete -c staithe -n "__fish_staithe_using_subcommand watch" -l existing -d 'Report also what was complete before the start'
complete -c staithe -n "__fish_staithe_using_subcommand watch" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand quiet" -l for -d 'How long nothing must have changed' -r
complete -c staithe -n "__fish_staithe_using_subcommand quiet" -l timeout -d 'Give up after this time, and tell what is still changing' -r
complete -c staithe -n "__fish_staithe_using_subcommand quiet" -l exclude -d 'Leave out paths that match this glob or `re:` regex, directories with all that is in them (repeatable)' -r
complete -c staithe -n "__fish_staithe_using_subcommand quiet" -l backend -d 'How changes are noticed' -r -f -a "auto\t'Listen where the kernel tells of changes, and compare'
poll\t'Only compare'"
complete -c staithe -n "__fish_staithe_using_subcommand quiet" -l json -d 'One JSON object per line'
complete -c staithe -n "__fish_staithe_using_subcommand quiet" -l no-recursive -d 'Leave out what lies in directories below'
complete -c staithe -n "__fish_staithe_using_subcommand quiet" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c staithe -n "__fish_staithe_using_subcommand run" -s c -l config -d 'The configuration: a file, or a directory of *.toml files read in name order' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand run" -l pid-file -d 'Lock this file while running and write the process\'s number into it; with --daemon else `staithe.pid` in the state directory' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand run" -l log-out -d 'Where the daemon\'s standard output goes, at the file\'s end; else `staithe.out` in the state directory' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand run" -l log-err -d 'Where the daemon\'s standard error, its log, goes, at the file\'s end; else `staithe.err` in the state directory' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand run" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand run" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand run" -l watch-config -d 'Take changes of the configuration over while running, as `watch_config = true` in it does; a bad one is refused whole'
complete -c staithe -n "__fish_staithe_using_subcommand run" -l daemon -d 'Go into the background; returns when it is ready there, or says why it cannot be'
complete -c staithe -n "__fish_staithe_using_subcommand run" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand stop" -l pid-file -d 'Its pid file; else `staithe.pid` in the state directory' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand stop" -l grace -d 'Kill it when it has not ended after this time' -r
complete -c staithe -n "__fish_staithe_using_subcommand stop" -l state-dir -d 'The daemon\'s state directory; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand stop" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand restart" -l pid-file -d 'Its pid file; else `staithe.pid` in the state directory' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand restart" -l grace -d 'Kill it when it has not ended after this time' -r
complete -c staithe -n "__fish_staithe_using_subcommand restart" -l state-dir -d 'The daemon\'s state directory; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand restart" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand check" -s c -l config -d 'The configuration: a file, or a directory of *.toml files read in name order' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand check" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand init" -l from -d 'The old program whose configuration is translated' -r -f -a "directory-observer\t''
dlm-watcher\t''
iobserver\t''
sendit\t''"
complete -c staithe -n "__fish_staithe_using_subcommand init" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand status" -l pid-file -d 'The daemon that holds this pid file; its socket is found by the words that it was started with' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand status" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand status" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand status" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand status" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand ls" -l state -d 'Only units in this state, one of those below' -r
complete -c staithe -n "__fish_staithe_using_subcommand ls" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand ls" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand ls" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand ls" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand explain" -l pid-file -d 'The daemon that holds this pid file; its socket is found by the words that it was started with' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand explain" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand explain" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand explain" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand explain" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand rules" -s c -l config -d 'The configuration: a file, or a directory of *.toml files read in name order' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand rules" -s 0 -l null -d 'Paths on standard input end with a zero byte, as `find -print0` writes them'
complete -c staithe -n "__fish_staithe_using_subcommand rules" -l json -d 'JSON instead of text; one line for each path and source'
complete -c staithe -n "__fish_staithe_using_subcommand rules" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand notify" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand notify" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand notify" -s 0 -l null -d 'Read also paths from standard input that end with a zero byte, as `find -print0` writes them'
complete -c staithe -n "__fish_staithe_using_subcommand notify" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand notify" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand tail" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand tail" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand tail" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand tail" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand consume" -l queue -d 'The queue; needed when there are several' -r
complete -c staithe -n "__fish_staithe_using_subcommand consume" -l max -d 'Take at most so many of what is there, and end; exit code 4 when there is none' -r
complete -c staithe -n "__fish_staithe_using_subcommand consume" -l lease -d 'How long a lease lasts' -r
complete -c staithe -n "__fish_staithe_using_subcommand consume" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand consume" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand consume" -l no-ack -d 'Lease instead of acknowledging'
complete -c staithe -n "__fish_staithe_using_subcommand consume" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand consume" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand ack" -l queue -d 'The queue; all queues if not given' -r
complete -c staithe -n "__fish_staithe_using_subcommand ack" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand ack" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand ack" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and not __fish_seen_subcommand_from list show retry purge help" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and not __fish_seen_subcommand_from list show retry purge help" -f -a "list" -d 'List dead letters'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and not __fish_seen_subcommand_from list show retry purge help" -f -a "show" -d 'Show dead letters whole, with their events'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and not __fish_seen_subcommand_from list show retry purge help" -f -a "retry" -d 'Offer them to their sinks again; a letter leaves only when its redelivery is acknowledged'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and not __fish_seen_subcommand_from list show retry purge help" -f -a "purge" -d 'Remove them for good'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and not __fish_seen_subcommand_from list show retry purge help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from list" -l sink -d 'Only letters of this sink' -r
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from list" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from list" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from list" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from show" -l sink -d 'Only letters of this sink' -r
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from show" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from show" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from show" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from retry" -l sink -d 'Only letters of this sink' -r
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from retry" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from retry" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from retry" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from retry" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from purge" -l sink -d 'Only letters of this sink' -r
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from purge" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from purge" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from purge" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from purge" -l all -d 'Purge all letters (of the sink) although no id is given'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from purge" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from help" -f -a "list" -d 'List dead letters'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show dead letters whole, with their events'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from help" -f -a "retry" -d 'Offer them to their sinks again; a letter leaves only when its redelivery is acknowledged'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from help" -f -a "purge" -d 'Remove them for good'
complete -c staithe -n "__fish_staithe_using_subcommand dead; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c staithe -n "__fish_staithe_using_subcommand rescan" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand rescan" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand rescan" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand reload" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand reload" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand reload" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand pause" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand pause" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand pause" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand resume" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand resume" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand resume" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand doctor" -s c -l config -d 'The configuration whose sources and sinks are looked at' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand doctor" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand doctor" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand doctor" -l canary -d 'Make a file in each source\'s directory, gone within a moment, to see whether events come and whether clocks agree'
complete -c staithe -n "__fish_staithe_using_subcommand doctor" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and not __fish_seen_subcommand_from verify prune help" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and not __fish_seen_subcommand_from verify prune help" -f -a "verify" -d 'Compare both trees of a mirror now, and list what differs'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and not __fish_seen_subcommand_from verify prune help" -f -a "prune" -d 'Remove from a mirror what its source does not have, although the source\'s root is another directory than before'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and not __fish_seen_subcommand_from verify prune help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and __fish_seen_subcommand_from verify" -s c -l config -d 'The configuration; else $STAITHE_CONFIG' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and __fish_seen_subcommand_from verify" -l content -d 'Compare also the bytes of files whose size and time are the same'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and __fish_seen_subcommand_from verify" -l json -d 'One JSON object'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and __fish_seen_subcommand_from prune" -s c -l config -d 'The configuration; else $STAITHE_CONFIG' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and __fish_seen_subcommand_from prune" -l yes -d 'Empty the mirror if its source is empty'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Compare both trees of a mirror now, and list what differs'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Remove from a mirror what its source does not have, although the source\'s root is another directory than before'
complete -c staithe -n "__fish_staithe_using_subcommand mirror; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c staithe -n "__fish_staithe_using_subcommand store; and not __fish_seen_subcommand_from check repair export help" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand store; and not __fish_seen_subcommand_from check repair export help" -f -a "check" -d 'Check the ledger; works beside a running daemon'
complete -c staithe -n "__fish_staithe_using_subcommand store; and not __fish_seen_subcommand_from check repair export help" -f -a "repair" -d 'Put a damaged ledger aside and keep what can be read'
complete -c staithe -n "__fish_staithe_using_subcommand store; and not __fish_seen_subcommand_from check repair export help" -f -a "export" -d 'Print every record as a JSON line'
complete -c staithe -n "__fish_staithe_using_subcommand store; and not __fish_seen_subcommand_from check repair export help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from check" -l state-dir -d 'The state directory; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from check" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from repair" -l state-dir -d 'The state directory; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from repair" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from repair" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from export" -l state-dir -d 'The state directory; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from export" -l json -d 'JSON instead of text'
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check the ledger; works beside a running daemon'
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "repair" -d 'Put a damaged ledger aside and keep what can be read'
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "export" -d 'Print every record as a JSON line'
complete -c staithe -n "__fish_staithe_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and not __fish_seen_subcommand_from directory-observer dlm-watcher iobserver sendit help" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and not __fish_seen_subcommand_from directory-observer dlm-watcher iobserver sendit help" -f -a "directory-observer" -d '`MetWork`\'s `directory_observer`: --config FILE [--log FILE]'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and not __fish_seen_subcommand_from directory-observer dlm-watcher iobserver sendit help" -f -a "dlm-watcher" -d 'The SKA\'s `dlm-directory-watcher`: -d DIR -s STORAGE …, --help lists them'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and not __fish_seen_subcommand_from directory-observer dlm-watcher iobserver sendit help" -f -a "iobserver" -d '`iobserver`: [FILE], else ./iobserverrc'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and not __fish_seen_subcommand_from directory-observer dlm-watcher iobserver sendit help" -f -a "sendit" -d 'sendit\'s watcher: start, stop, restart, status'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and not __fish_seen_subcommand_from directory-observer dlm-watcher iobserver sendit help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from iobserver" -l plugins -d 'Where plugins lie; else `plugins` beside the configuration' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from iobserver" -l socket -d 'The daemon\'s socket; else $STAITHE_SOCKET' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from iobserver" -l state-dir -d 'The daemon\'s state directory, where its socket is by default; else $STAITHE_STATE_DIR, else /var/lib/staithe for root and ~/.local/state/staithe for others' -r -F
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from iobserver" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from sendit" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from sendit" -f -a "start" -d 'Start the watcher in the background; returns when it is ready there'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from sendit" -f -a "stop" -d 'Stop the watcher'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from sendit" -f -a "restart" -d 'Stop the watcher, if it runs, and start it again'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from sendit" -f -a "status" -d 'Whether the watcher runs, and how everything stands'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from sendit" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from help" -f -a "directory-observer" -d '`MetWork`\'s `directory_observer`: --config FILE [--log FILE]'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from help" -f -a "dlm-watcher" -d 'The SKA\'s `dlm-directory-watcher`: -d DIR -s STORAGE …, --help lists them'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from help" -f -a "iobserver" -d '`iobserver`: [FILE], else ./iobserverrc'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from help" -f -a "sendit" -d 'sendit\'s watcher: start, stop, restart, status'
complete -c staithe -n "__fish_staithe_using_subcommand compat; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c staithe -n "__fish_staithe_using_subcommand completions" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand man" -s h -l help -d 'Print help'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "watch" -d 'Report each file of some directories when it has arrived complete: no server, no configuration'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "quiet" -d 'Wait until nothing has changed in a directory for a while; tell what changes meanwhile'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "run" -d 'Run a configuration until SIGTERM or SIGINT, in the foreground or as a daemon; SIGHUP reloads it'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "stop" -d 'Stop a daemon by its pid file'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "restart" -d 'Stop a daemon and start it again as it was started'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "check" -d 'Validate a configuration without side effects'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "init" -d 'Print a commented configuration, or translate an old program\'s'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "status" -d 'How everything stands; exit code 5 when something needs an eye'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "ls" -d 'List units and their states'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "explain" -d 'Why a path is where it is'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "rules" -d 'The presets and temporary names; of a path: which rule takes it and why'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "notify" -d 'Announce finished files, also of producers on other machines; the source looks and its rule decides'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "tail" -d 'Print live events'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "consume" -d 'Read the embedded queue; without --max it follows'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "ack" -d 'Acknowledge leased events of the embedded queue'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "dead" -d 'Dead letters: events that a sink refused for good'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "rescan" -d 'Compare a source (or all) with its tree now'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "reload" -d 'Make the daemon read its configuration again; a bad one is refused whole'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "pause" -d 'Stop delivering to a sink; its events are kept'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "resume" -d 'Go on delivering to a sink'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "doctor" -d 'Check limits, file systems, permissions and sinks; print the fix for each finding'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "mirror" -d 'Second trees that are kept equal'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "store" -d 'The state directory'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "compat" -d 'Take the place of an old program, with its own flags'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "completions" -d 'Print a shell\'s completions'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "man" -d 'Print the manual page (roff), or write all pages into a directory'
complete -c staithe -n "__fish_staithe_using_subcommand help; and not __fish_seen_subcommand_from watch quiet run stop restart check init status ls explain rules notify tail consume ack dead rescan reload pause resume doctor mirror store compat completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from dead" -f -a "list" -d 'List dead letters'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from dead" -f -a "show" -d 'Show dead letters whole, with their events'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from dead" -f -a "retry" -d 'Offer them to their sinks again; a letter leaves only when its redelivery is acknowledged'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from dead" -f -a "purge" -d 'Remove them for good'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from mirror" -f -a "verify" -d 'Compare both trees of a mirror now, and list what differs'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from mirror" -f -a "prune" -d 'Remove from a mirror what its source does not have, although the source\'s root is another directory than before'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "check" -d 'Check the ledger; works beside a running daemon'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "repair" -d 'Put a damaged ledger aside and keep what can be read'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "export" -d 'Print every record as a JSON line'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from compat" -f -a "directory-observer" -d '`MetWork`\'s `directory_observer`: --config FILE [--log FILE]'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from compat" -f -a "dlm-watcher" -d 'The SKA\'s `dlm-directory-watcher`: -d DIR -s STORAGE …, --help lists them'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from compat" -f -a "iobserver" -d '`iobserver`: [FILE], else ./iobserverrc'
complete -c staithe -n "__fish_staithe_using_subcommand help; and __fish_seen_subcommand_from compat" -f -a "sendit" -d 'sendit\'s watcher: start, stop, restart, status'
