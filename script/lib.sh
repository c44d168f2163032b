# Functions that the commands in this folder share: packages, build, private clusters. Sourced, not run.
# Works as root (PostgreSQL then runs as the user postgres) and as an ordinary user with sudo.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin # nginx is there, where an ordinary user does not look

say() { printf '%s\n' "$*"; }
step() { printf '== %s\n' "$*"; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

as_root() {
    if is_root; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root: $*  (run it as root, or install sudo)"
    fi
}

# Runs a program as the owner of the private clusters, in a directory that this owner can enter.
as_postgres() {
    if is_root; then
        (cd / && runuser -u postgres -- "$@")
    else
        (cd / && "$@")
    fi
}

# --- packages ------------------------------------------------------------------------------------------------

wanted=()

has_package() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# want NAME...: packages that must be there.
want() {
    local name
    for name in "$@"; do
        has_package "$name" || wanted+=("$name")
    done
}

# want_command COMMAND PACKAGE: the package, unless the command is there already, wherever it comes from.
want_command() { command -v "$1" >/dev/null || wanted+=("$2"); }

# Installs what want and want_command have collected, in one call.
install_wanted() {
    local log
    [ ${#wanted[@]} -gt 0 ] || return 0
    step "Installing: ${wanted[*]}"
    refresh_package_lists
    log=$(mktemp)
    trap 'allow_main_cluster; allow_services' EXIT
    keep_main_cluster_away
    keep_services_away
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${wanted[@]}" \
        >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "these packages could not be installed: ${wanted[*]}  (see $log)"
    }
    rm -f "$log"
    allow_main_cluster
    allow_services
    trap - EXIT
    wanted=()
}

lists_are_fresh=
refresh_package_lists() {
    [ -z "$lists_are_fresh" ] || return 0
    command -v apt-get >/dev/null || die "no apt-get here; please install: ${wanted[*]}"
    as_root apt-get update -qq || die "apt-get update failed"
    lists_are_fresh=yes
}

# Debian's postgresql-NN makes and starts a cluster "main" when it is first installed. Not for us.
main_cluster_off=/etc/postgresql-common/createcluster.d/pgrest-no-main-cluster.conf
keep_main_cluster_away() {
    case " ${wanted[*]} " in
    *" postgresql-"[0-9]*) ;;
    *) return 0 ;;
    esac
    as_root mkdir -p "${main_cluster_off%/*}"
    echo 'create_main_cluster = false' | as_root tee "$main_cluster_off" >/dev/null
}
allow_main_cluster() {
    if [ -e "$main_cluster_off" ]; then as_root rm -f "$main_cluster_off"; fi
}

# Debian's nginx starts as a service when it is installed, and at every boot. We want the program alone.
service_policy=/usr/sbin/policy-rc.d
made_service_policy=
installs_nginx() { case " ${wanted[*]} " in *" nginx-light "*) ;; *) return 1 ;; esac }
keep_services_away() {
    if ! installs_nginx || [ -e "$service_policy" ]; then return 0; fi
    made_service_policy=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$service_policy" >/dev/null
    as_root chmod 755 "$service_policy"
}
allow_services() {
    if [ -n "$made_service_policy" ]; then as_root rm -f "$service_policy"; fi
    made_service_policy=
    if installs_nginx && has_package nginx-common && command -v systemctl >/dev/null; then
        as_root systemctl -q disable --now nginx 2>/dev/null || true
    fi
}

# --- PostgreSQL's programs -----------------------------------------------------------------------------------

# The major version to use: PG_MAJOR, else the newest installed server, else the distribution's own.
pg_major() {
    local newest
    if [ -n "${PG_MAJOR:-}" ]; then
        echo "$PG_MAJOR"
        return
    fi
    newest=$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | cut -d/ -f5 | sort -n | tail -n 1)
    if [ -z "$newest" ]; then
        newest=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
    fi
    echo "${newest:-15}"
}

own_postgres=${PG_CONFIG:+yes}

# Chooses a PostgreSQL: PG_CONFIG names one of your own; otherwise the packages of one major version are wanted.
# Arguments: further packages of that version, with NN for the number.
want_postgres() {
    if [ -n "$own_postgres" ]; then return 0; fi
    if ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then refresh_package_lists; fi
    PG_MAJOR=$(pg_major)
    export PG_CONFIG=/usr/lib/postgresql/$PG_MAJOR/bin/pg_config
    want "${@//NN/$PG_MAJOR}"
}

# Where psql, initdb and the others are.
pg_bin() {
    if [ -z "${PG_CONFIG:-}" ]; then PG_CONFIG=/usr/lib/postgresql/$(pg_major)/bin/pg_config; fi
    [ -x "$PG_CONFIG" ] || command -v "$PG_CONFIG" >/dev/null || die "no pg_config at $PG_CONFIG; set PG_CONFIG"
    "$PG_CONFIG" --bindir
}

# --- the extension -------------------------------------------------------------------------------------------

want_build_tools() {
    want_postgres postgresql-NN postgresql-server-dev-NN
    want_command make make
    want_command g++ g++
    want_command curl curl
    want libmicrohttpd-dev libjansson-dev libssl-dev
}

build_and_install() {
    step "Building pgrest for $("$PG_CONFIG" --version)"
    make -s -C "$ROOT" -j"$(nproc)" PG_CONFIG="$PG_CONFIG" || die "the build failed (see above)"
    as_root make -s -C "$ROOT" install PG_CONFIG="$PG_CONFIG" >/dev/null || die "make install failed (see above)"
}

# --- private clusters ----------------------------------------------------------------------------------------
# A cluster lives in one directory: data/, the log, and its socket, which only the owner can reach; it listens
# on no TCP port and so cannot meet another cluster.

cluster_directory() { # DIR
    mkdir -p "$1"
    if is_root; then chown postgres: "$1"; fi
    chmod 700 "$1"
    [ ${#1} -le 80 ] || die "the path $1 is too long for a socket"
}

cluster_base_conf() { # DIR
    as_postgres tee "$1/data/base.conf" >/dev/null <<CONF
listen_addresses = ''
port = 5432
unix_socket_directories = '$1'
max_worker_processes = 32
timezone = 'UTC'
CONF
}

# initdb takes seconds, a copy of what it made for the same arguments takes a tenth of one. The first one is kept in build/.
cluster_data() { # DIR, arguments of initdb
    local dir=$1 key kept
    shift
    key=$({
        "$bin/postgres" --version
        stat -c '%n %Y' "$bin/initdb"
        echo "$@"
    } | cksum | tr ' ' -)
    kept=$ROOT/build/cluster/$key-$(id -u)
    if cp -a "$kept" "$dir/data" 2>/dev/null; then return; fi
    rm -rf "$dir/data"
    as_postgres "$bin/initdb" -D "$dir/data" "$@" >/dev/null
    # another one may be at the same: whoever comes first is kept
    mkdir -p "${kept%/*}"
    cp -a "$dir/data" "$kept.$$" && mv -T "$kept.$$" "$kept" 2>/dev/null || rm -rf "$kept.$$"
}

cluster_init() { # DIR, settings on standard input
    local dir=$1 bin
    bin=$(pg_bin)
    cluster_directory "$dir"
    cluster_data "$dir" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync
    cluster_base_conf "$dir"
    printf "include 'base.conf'\ninclude 'settings.conf'\n" | as_postgres tee -a "$dir/data/postgresql.conf" >/dev/null
    cluster_configure "$dir"
}

# A hot standby of the running cluster in DIR, not started.
cluster_standby() { # DIR NEW_DIR
    cluster_directory "$2"
    as_postgres "$(pg_bin)/pg_basebackup" -h "$1" -p 5432 -U postgres -D "$2/data" -X stream -c fast --no-sync -R
    cluster_base_conf "$2"
}

cluster_promote() { as_postgres "$(pg_bin)/pg_ctl" -D "$1/data" -w -t 60 promote >/dev/null; }

cluster_configure() { # DIR, settings on standard input
    as_postgres tee "$1/data/settings.conf" >/dev/null
}

cluster_start() { # DIR
    local bin
    bin=$(pg_bin)
    as_postgres "$bin/pg_ctl" -D "$1/data" -l "$1/log" -w -t 60 start >/dev/null || {
        tail -n 20 "$1/log" >&2
        die "PostgreSQL did not start; its log is $1/log"
    }
}

cluster_runs() { [ -d "$1/data" ] && as_postgres "$(pg_bin)/pg_ctl" -D "$1/data" status >/dev/null 2>&1; }

cluster_stop() { # DIR [MODE]
    if cluster_runs "$1"; then
        as_postgres "$(pg_bin)/pg_ctl" -D "$1/data" -m "${2:-fast}" -w -t 60 stop >/dev/null
    fi
}

cluster_reload() { as_postgres "$(pg_bin)/pg_ctl" -D "$1/data" reload >/dev/null; }

cluster_drop() { # DIR
    cluster_stop "$1" immediate || true
    rm -rf "$1"
}

# psql as superuser, from where this is called; SQL that user postgres may not read comes by standard input.
cluster_psql() { # DIR argument...
    local dir=$1
    shift
    PGCLIENTENCODING=UTF8 "$(pg_bin)/psql" -X -q -v ON_ERROR_STOP=1 -h "$dir" -p 5432 -U postgres "$@"
}

# --- the rest ------------------------------------------------------------------------------------------------

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port [WISH]: the wish if nobody listens there, else any.
free_port() {
    local port=${1:-} try
    if [ -n "$port" ] && port_is_free "$port"; then
        echo "$port"
        return
    fi
    for try in $(seq 100); do
        port=$((20000 + RANDOM % 12000))
        if port_is_free "$port"; then
            echo "$port"
            return
        fi
    done
    die "no free port found"
}

# Waits until the server in this cluster answers something other than 503.
wait_for_http() { # DIR PORT
    local status= i
    for i in $(seq 100); do
        status=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$2/" || true)
        case $status in
        000 | 503) sleep 0.1 ;;
        *) return 0 ;;
        esac
    done
    tail -n 20 "$1/log" >&2
    die "pgrest does not answer on port $2 (last status: $status); the log is $1/log"
}

# The blocks of one language (sql, ini) of a document in docs/, in their order.
blocks_of() { # DOCUMENT LANGUAGE
    awk -v fence="\`\`\`$2" '$0 == fence { on = 1; next } /^```/ { on = 0 } on' "$ROOT/docs/$1"
}

# The demonstration: a new cluster in DIR with a database "demo" that holds what the document makes, and
# pgrest serving it on PORT with the document's settings.
make_demo() { # DIR PORT [DOCUMENT]
    local document=${3:-guide.md}
    cluster_init "$1" </dev/null
    cluster_start "$1"
    openssl rand -hex 32 | as_postgres tee "$1/data/jwt.secret" >/dev/null
    as_postgres chmod 600 "$1/data/jwt.secret"
    cluster_psql "$1" -c 'create database demo' || die "the database demo could not be made"
    blocks_of "$document" sql | cluster_psql "$1" -d demo >/dev/null || die "the SQL of docs/$document failed"
    cluster_stop "$1"
    blocks_of "$document" ini | sed "s/^pgrest.server_port *=.*/pgrest.server_port = $2/" | cluster_configure "$1"
    cluster_start "$1"
    wait_for_http "$1" "$2"
}
