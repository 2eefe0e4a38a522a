/**
 * `cfile completion`: scripts that complete commands and options in a shell.
 *
 * @module
 */

import {
  type Command,
  type CommandInfo,
  defineCommand,
  type Option,
  print,
  sharedOptions,
  UsageError,
} from './command.ts'

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

/**
 * Creates `cfile completion`.
 *
 * @param commands a function, since `completion` is one of the commands itself
 */
export function completionCommand(commands: () => readonly CommandInfo[]): Command {
  return defineCommand({
    name: 'completion',
    usage: 'bash|zsh|fish',
    summary: 'Print a script that completes commands and options in your shell',
    arguments: [['bash|zsh|fish', 'The shell that reads the script.']],
    options: {},
    choices: shells,
    examples: [
      [
        'bash: or put . <(cfile completion bash) into ~/.bashrc',
        'completion bash > /etc/bash_completion.d/cfile',
      ],
      ['zsh, if this folder is in $fpath', 'completion zsh > ~/.zsh/completions/_cfile'],
      ['fish', 'completion fish > ~/.config/fish/completions/cfile.fish'],
    ],
    takes: 'one',
    async run({ argument, values }, terminal) {
      const shell = shells.find((one) => one === argument)
      if (shell === undefined) {
        throw new UsageError(`"${argument}" is none of the shells ${shells.join(', ')}.`)
      }
      const script = writers[shell](commands())
      print(terminal, { json: values.json, value: { shell, script }, text: () => script })
      return 0
    },
  })
}

const writers: Readonly<Record<Shell, (commands: readonly CommandInfo[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

type Named = readonly [long: string, option: Option]

function optionsOf(command: CommandInfo): Named[] {
  return Object.entries({ ...command.options, ...sharedOptions })
}

/** The options with a value, in both spellings: the word after one is completed as a file name. */
function withValue(command: CommandInfo): string[] {
  return optionsOf(command).flatMap(([long, { short, type }]) =>
    type === 'string' ? [`--${long}`, ...(short ? [`-${short}`] : [])] : [],
  )
}

function bashScript(commands: readonly CommandInfo[]): string {
  const cases = commands.map((command) => {
    const options = optionsOf(command).map(([long]) => `--${long}`)
    const valued = withValue(command)
    return [
      `    ${command.name})`,
      `      words="${options.join(' ')}"`,
      `      first="${command.choices?.join(' ') ?? ''}"`,
      `      valued="${valued.join(' ')}"`,
      '      ;;',
    ].join('\n')
  })
  return `# bash completion of cfile
_cfile() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local words="" first="" valued=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  case " $valued " in *" $previous "*) return ;; esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) [ "$COMP_CWORD" -eq 2 ] && COMPREPLY=($(compgen -W "$first" -- "$current")) ;;
  esac
}
complete -o default -F _cfile cfile`
}

/** Quotes a text for zsh and fish. */
function quote(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`
}

function zshScript(commands: readonly CommandInfo[]): string {
  const names = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`)
  const cases = commands.map((command) => {
    const specs = optionsOf(command).flatMap(([long, option]) => zshOption(long, option))
    const first = command.choices ? `:word:(${command.choices.join(' ')})` : ':argument:_files'
    const all = [...specs, quote(`1${first}`), quote('*:argument:_files')]
    return `    ${command.name}) _arguments ${all.join(' ')} ;;`
  })
  return `#compdef cfile
_cfile() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = "_cfile" ]; then _cfile "$@"; else compdef _cfile cfile; fi`
}

function zshOption(long: string, { short, type, help, value }: Option): string[] {
  const about = help.replace(/[[\]:\\]/g, '\\$&')
  const argument = type === 'string' ? `:${value ?? 'value'}:_files` : ''
  const spellings = [`--${long}`, ...(short ? [`-${short}`] : [])]
  return spellings.map((one) => quote(`${one}[${about}]${argument}`))
}

function fishScript(commands: readonly CommandInfo[]): string {
  const lines = commands.flatMap((command) => {
    const { name, summary, choices = [] } = command
    const inside = `-n '__fish_seen_subcommand_from ${name}'`
    return [
      `complete -c cfile -f -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
      ...(choices.length === 0 ? [] : [`complete -c cfile -f ${inside} -a '${choices.join(' ')}'`]),
      ...optionsOf(command).map(([long, { short, type, help }]) =>
        [
          `complete -c cfile ${inside} -l ${long}`,
          ...(short ? [`-s ${short}`] : []),
          ...(type === 'string' ? ['-r'] : []),
          `-d ${quote(help)}`,
        ].join(' '),
      ),
    ]
  })
  return `# fish completion of cfile\n${lines.join('\n')}`
}
