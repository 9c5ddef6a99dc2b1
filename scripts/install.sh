#!/usr/bin/env bash
# Installs or upgrades autoblock as a systemd service on AlmaLinux 9 or Debian 12. See --help.
set -euo pipefail

readonly LEAST_NODE_MAJOR=20 LEAST_NODE_MINOR=19
readonly SERVICE=autoblock
readonly STATE_DIR=/var/lib/autoblock
readonly ENV_FILE=/etc/autoblock/autoblock.env
readonly UNIT_FILE=/etc/systemd/system/autoblock.service
readonly COMMAND_FILE=/usr/local/bin/autoblock
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly SOURCE

prefix=/opt/autoblock
root=''
dry_run=no
start=no
install_toolchain=no

usage() {
  cat <<'HELP'
Usage: install.sh [OPTIONS]

Installs autoblock from this checkout, or upgrades it: the new version is built and verified beside the old one, then
takes its place; the old one stays as PREFIX.previous. Settings and state are never overwritten.

  --prefix DIR          program directory (default /opt/autoblock)
  --install-toolchain   install missing compiler packages with the system's package manager
  --start               enable and start the service at the end
  --dry-run             say what would be done and do nothing
  --root DIR            install below DIR, for packaging and tests: needs no root, adds no user, leaves systemd alone
  --help                this text

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something this machine lacks
HELP
}

say() { printf 'install: %s\n' "$*"; }
die() { # EXIT_CODE TEXT
  local code=$1
  shift
  printf 'install: %s\n' "$*" >&2
  exit "$code"
}

# Runs a command, or only shows it.
act() {
  if [[ $dry_run == yes ]]; then
    printf 'would run:%s\n' "$(printf ' %q' "$@")"
  else
    "$@"
  fi
}

parse_options() {
  while (($# > 0)); do
    case $1 in
      --prefix | --root)
        [[ -n ${2:-} ]] || die 2 "$1 needs a directory"
        [[ $2 == /* ]] || die 2 "$1 needs an absolute path, not $2"
        if [[ $1 == --prefix ]]; then prefix=${2%/}; else root=${2%/}; fi
        shift
        ;;
      --install-toolchain) install_toolchain=yes ;;
      --start) start=yes ;;
      --dry-run) dry_run=yes ;;
      --help | -h)
        usage
        exit 0
        ;;
      *) die 2 "unknown option $1; see --help" ;;
    esac
    shift
  done
  [[ -n $prefix ]] || die 2 "--prefix must not be /"
  [[ $prefix == "$SOURCE" || $prefix == "$SOURCE"/* || $SOURCE == "$prefix"/* ]] &&
    die 2 "the checkout $SOURCE and the prefix $prefix must not lie in one another"
  # The paths stand in the unit, in sed and in a shell script.
  [[ $prefix =~ ^[A-Za-z0-9/._-]+$ ]] || die 2 "--prefix may hold letters, digits, / . _ - only"
}

check_root() {
  [[ -n $root || $dry_run == yes || $EUID -eq 0 ]] || die 1 "run as root (sudo $0), or look first with --dry-run"
}

# debian or redhat; others are warned about and get Debian's advice only as text.
os_family() {
  local id='' id_like='' line
  if [[ -r /etc/os-release ]]; then
    while IFS= read -r line; do
      case $line in
        ID=*) id=$(tr -d '"' <<<"${line#ID=}") ;;
        ID_LIKE=*) id_like=$(tr -d '"' <<<"${line#ID_LIKE=}") ;;
      esac
    done </etc/os-release
  fi
  case " $id $id_like " in
    *' debian '*) echo debian ;;
    *' rhel '* | *' fedora '* | *' centos '*) echo redhat ;;
    *) echo unknown ;;
  esac
}

node_advice() {
  case $1 in
    redhat) echo 'dnf module reset -y nodejs && dnf module install -y nodejs:22 && dnf install -y npm' ;;
    *) echo 'curl -fsSL https://deb.nodesource.com/setup_22.x | bash - && apt-get install -y nodejs' ;;
  esac
}

toolchain_command() {
  case $1 in
    redhat) echo 'dnf install -y gcc-c++ make python3' ;;
    *) echo 'apt-get install -y g++ make python3' ;;
  esac
}

check_node() {
  local family=$1 version major minor
  command -v node >/dev/null || die 3 "Node is missing. Install it: $(node_advice "$family")"
  command -v npm >/dev/null || die 3 "npm is missing. Install it: $(node_advice "$family")"
  version=$(node -p 'process.versions.node')
  IFS=. read -r major minor _ <<<"$version"
  if ((major < LEAST_NODE_MAJOR || (major == LEAST_NODE_MAJOR && minor < LEAST_NODE_MINOR))); then
    die 3 "Node $version is too old, $LEAST_NODE_MAJOR.$LEAST_NODE_MINOR is needed. Install it: $(node_advice "$family")"
  fi
  node_path=$(command -v node)
  case $node_path in
    /home/* | /root/*)
      # The service runs as a user of its own with ProtectHome=yes.
      [[ -n $root ]] || die 3 "$node_path lies in a home directory, which the service cannot reach. Install Node for all users: $(node_advice "$family")"
      ;;
  esac
  say "Node $version at $node_path, npm $(npm --version 2>/dev/null)"
}

check_toolchain() {
  local family=$1 tool missing=()
  for tool in g++ make python3; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  if ((${#missing[@]} == 0)); then
    say 'toolchain: g++, make and python3 are there'
  elif [[ $install_toolchain == no ]]; then
    die 3 "missing: ${missing[*]}; better-sqlite3 may have to be compiled. Install them: $(toolchain_command "$family"), or run this again with --install-toolchain"
  elif [[ $family == unknown ]]; then
    die 3 "missing: ${missing[*]}; this system's package manager is not known here, install them by hand"
  else
    local command
    read -ra command <<<"$(toolchain_command "$family")"
    act "${command[@]}"
  fi
}

check_system() {
  local family
  family=$(os_family)
  [[ $family != unknown ]] || say 'warning: neither AlmaLinux/RHEL nor Debian; nobody has tried this here'
  check_node "$family"
  check_toolchain "$family"
  if [[ -z $root && $dry_run == no ]]; then
    command -v systemctl >/dev/null || die 3 'systemd is missing'
    [[ -x /usr/bin/systemd-notify ]] || die 3 '/usr/bin/systemd-notify is missing (package systemd)'
  fi
}

add_user() {
  if [[ -n $root ]]; then
    say "--root: no user is added"
  elif id -u "$SERVICE" >/dev/null 2>&1; then
    say "user $SERVICE exists"
  else
    act useradd --system --user-group --home-dir "$STATE_DIR" --no-create-home --shell /usr/sbin/nologin "$SERVICE"
  fi
}

# systemd makes it at the first start, but the operator trains and looks before that, as the same user.
put_state_dir() {
  local dir=$root$STATE_DIR owner=()
  if [[ -d $dir ]]; then return; fi
  if [[ -z $root ]]; then owner=(-o "$SERVICE" -g "$SERVICE"); fi
  act install -d -m 0700 "${owner[@]}" "$dir"
}

# Neither what is built here anew nor what belongs to whoever works in the checkout.
copy_checkout() {
  local target=$1
  rm -rf "$target"
  mkdir -p "$target"
  tar -C "$SOURCE" --exclude=./.git --exclude=./node_modules --exclude=./dist --exclude=./coverage \
    --exclude=./.autoblock --exclude=./.env --exclude='./models/*' -cf - . |
    tar -C "$target" --no-same-owner -xf -
}

build() {
  local target=$1
  (
    cd "$target"
    npm ci --include=dev --include=optional --no-audit --no-fund
    node node_modules/typescript/bin/tsc -p tsconfig.build.json
    npm prune --omit=dev --include=optional --no-audit --no-fund
    # Without sources scripts/autoblock.mjs takes this for an installed package and never builds in it.
    rm -rf src test coverage .ci tsconfig*.json ./*.config.* .dependency-cruiser.mjs biome.json knip.json
    chmod -R u=rwX,go=rX .
  )
}

# Every package that is needed at run time is really loaded, from the directory that is going to be used.
verify_imports() {
  cd "$1"
  node --input-type=module <<'CHECK'
import { readFileSync } from 'node:fs';
const { dependencies, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const name of [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]) {
  try {
    await import(name);
    console.log(`  ok      ${name}`);
  } catch (error) {
    const why = error.message.split('\n')[0];
    const optional = name in optionalDependencies;
    console.log(optional ? `  absent  ${name}: ${why} (optional: set DATABASE_URL)` : `  FAILED  ${name}: ${why}`);
    if (!optional) process.exitCode = 1;
  }
}
const { default: Database } = await import('better-sqlite3');
const database = new Database(':memory:');
console.log(`  ok      SQLite ${database.prepare('SELECT sqlite_version() AS version').get().version} opens a database`);
database.close();
CHECK
}

verify_program() {
  local program=$1/scripts/autoblock.mjs scratch=$2
  cd "$scratch"
  local settings=(STATE_DIR="$scratch/state" MODELS_DIR="$scratch/models")
  env "${settings[@]}" node "$program" --version && env "${settings[@]}" node "$program" selftest
}

# Subshells and explicit returns: `set -e` does not hold inside a function that is asked for its result.
verify() {
  local scratch result=0
  say 'verifying that everything imports'
  (verify_imports "$1") || return 1
  scratch=$(mktemp -d) || return 1
  say 'verifying that the program runs (--version, selftest)'
  (verify_program "$1" "$scratch") || result=1
  rm -rf "$scratch"
  return "$result"
}

put_program() {
  local final=$root$prefix
  local next=$final.new previous=$final.previous
  if [[ $dry_run == yes ]]; then
    act copy "$SOURCE" "$next"
    act npm ci --include=dev --include=optional
    act tsc -p tsconfig.build.json
    act npm prune --omit=dev
    say "would verify: every runtime dependency imports, SQLite opens, --version, selftest"
    act mv "$final" "$previous"
    act mv "$next" "$final"
    return
  fi
  say "building in $next"
  copy_checkout "$next"
  build "$next"
  verify "$next" || die 1 "the new version does not work and was not put in place; it is in $next"
  rm -rf "$previous"
  if [[ -e $final ]]; then mv "$final" "$previous"; fi
  mv "$next" "$final"
  say "program in $final"
}

put_env_file() {
  local file=$root$ENV_FILE
  if [[ -e $file ]]; then
    say "$file is kept as it is"
    return
  fi
  if [[ $dry_run == yes ]]; then
    say "would write $file (0640) from .env.example"
    return
  fi
  # Whatever root's umask is: the user of the service has to reach the file.
  install -d -m 0755 "$(dirname "$file")"
  (
    umask 0137
    sed -e "s|^#STATE_DIR=.*|STATE_DIR=$STATE_DIR|" -e "s|^#MODELS_DIR=.*|MODELS_DIR=$STATE_DIR/models|" \
      "$SOURCE/.env.example" >"$file"
  )
  if [[ -z $root ]]; then chown "root:$SERVICE" "$file"; fi
  say "settings in $file: fill them in"
}

put_unit() {
  local file=$root$UNIT_FILE
  if [[ $dry_run == yes ]]; then
    say "would write $file for $node_path and $prefix"
    return
  fi
  mkdir -p "$(dirname "$file")"
  sed -e "s|/usr/bin/node |$node_path |" -e "s|/opt/autoblock/|$prefix/|g" \
    "$SOURCE/systemd/autoblock.service" >"$file"
  chmod 0644 "$file"
  say "unit in $file"
}

# The command line of an operator, with the user and the settings of the service.
put_command() {
  local file=$root$COMMAND_FILE
  if [[ $dry_run == yes ]]; then
    say "would write $file"
    return
  fi
  mkdir -p "$(dirname "$file")"
  cat >"$file" <<COMMAND
#!/bin/sh
# Written by install.sh: runs autoblock as the service does, with its user and its settings.
if [ "\$(id -un)" != $SERVICE ]; then
  exec runuser -u $SERVICE -- "\$0" "\$@"
fi
# A password handed over as a systemd credential is there for as long as the service runs.
handed=/run/credentials/$SERVICE.service
if [ -z "\${CREDENTIALS_DIRECTORY:-}" ] && [ -r "\$handed" ] && [ -x "\$handed" ]; then
  CREDENTIALS_DIRECTORY=\$handed
  export CREDENTIALS_DIRECTORY
fi
# A working directory closed to the service's user (/root) would fail at its .env.
[ -r . ] && [ -x . ] || cd $STATE_DIR
exec $node_path --env-file=$ENV_FILE $prefix/scripts/autoblock.mjs "\$@"
COMMAND
  chmod 0755 "$file"
  say "command in $file"
}

tell_systemd() {
  if [[ -n $root ]]; then
    say '--root: systemd is left alone'
    return
  fi
  act systemctl daemon-reload
  if [[ $start == yes ]]; then
    act systemctl enable "$SERVICE"
    act systemctl restart "$SERVICE"
  else
    # An upgrade under a running service: it goes on with the new version, a stopped one stays stopped.
    act systemctl try-restart "$SERVICE"
  fi
}

next_steps() {
  cat <<STEPS

Next steps
  1. $ENV_FILE: ROUTER_HOST, ROUTER_USER, ROUTER_PASSWORD, ALLOWLIST, DATABASE_URL
  2. autoblock config        shows what is in effect
  3. autoblock train         needs some days of traffic in network_logs
  4. autoblock detect --dry-run
  5. systemctl enable --now $SERVICE && journalctl -u $SERVICE -f
STEPS
}

main() {
  parse_options "$@"
  check_root
  check_system
  add_user
  put_state_dir
  put_program
  put_env_file
  put_unit
  put_command
  tell_systemd
  next_steps
}

main "$@"
