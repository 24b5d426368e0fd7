#!/usr/bin/env bash
# nested-env.sh VARIANT CMD [ARG...] - run CMD inside a faithful copy of a container environment, for test/nested.
# Needs root and crun (Debian: crun); the host root is the image (an overlay: changes are thrown away).
#   docker            Docker default: uid 0, default caps, default seccomp, masked /proc
#   docker-user       the same with USER 1000: no caps, but no_new_privs off
#   docker-unconfined docker with --security-opt seccomp=unconfined (add -user for uid 1000)
#   docker-apparmor   docker-unconfined-user where AppArmor's docker-default still refuses mounts (Debian, Ubuntu hosts)
#   docker-sysadmin   docker with --cap-add SYS_ADMIN (seccomp still refuses pivot_root)
#   k8s               Pod Security "restricted": uid 1000, no caps, no_new_privs, read-only root, emptyDir /tmp
#   privileged        docker run --privileged
#   podman            rootless podman: uid 0 of a user namespace, podman's caps and seccomp (podman-user: uid 1000)
#   host-user         no container: an ordinary user on the host
#   host-nouserns     the same, user namespaces off (ENOSPC, as with user.max_user_namespaces=0)
#   host-apparmor     the same, user namespaces without powers (as Ubuntu 24.04's AppArmor rule)
# Environment: NESTED_PROJECT  directory bind mounted read-write at its own path ($PWD)
#              NESTED_UID (1000), NESTED_NET=host (default: own netns, only lo), NESTED_KEEP_ENV=1
#              NESTED_DENY    more syscalls to refuse, NAME=ERRNO ... ("landlock_create_ruleset=95": no Landlock; not in host-user, host-nouserns)
# Exit status: CMD's; 77 = cannot be set up here.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,19s/^# \{0,1\}//p' "$0" >&2; exit 64; }
variant=$1; shift
skip() { echo "nested-env: $*" >&2; exit 77; }
[ "$(id -u)" = 0 ] || skip "needs root"
project=$(realpath "${NESTED_PROJECT:-$PWD}"); uid=${NESTED_UID:-1000}
if [ -z "${NESTED_STAGE:-}" ]; then # stage 1: private mount and pid namespaces, so that no mount and no process outlives us
  unshare -m -p -f --mount-proc --propagation private true 2>/dev/null || skip "unshare of the mount and pid namespaces refused"
  tmp=$(mktemp -d /tmp/nested-env.XXXXXX); pid= in=
  trap '[ -z "$in" ] || kill "$in" 2>/dev/null || :; if [ -n "$pid" ]; then kill -KILL "$pid" || :; wait "$pid" || :; fi 2>/dev/null; rmdir "$tmp"' EXIT; trap 'trap "" TERM INT HUP; exit 143' TERM INT HUP
  # crun chowns its standard streams to the container's user (even the host's /dev/null): give it pipes only
  if [ /dev/stdin -ef /dev/null ]; then exec < <(:); elif [ ! -p /dev/stdin ]; then exec < <(exec cat); in=$!; fi
  exec 3> >(exec cat); out=$!; exec 4> >(exec cat >&2 3>&-); err=$!
  NESTED_STAGE=$tmp env --default-signal=INT,QUIT setpriv --pdeathsig KILL unshare -m -p -f --kill-child --mount-proc --propagation private \
    "$BASH" "$0" "$variant" "$@" <&0 >&3 2>&4 3>&- 4>&- & pid=$!
  rc=0; wait $pid || rc=$?; pid=; exec 3>&- 4>&-; wait $out $err || :
  exit $rc
fi
B=$NESTED_STAGE; unset NESTED_STAGE
env_list=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}" LANG=C.UTF-8 CI="${CI:-}" NESTED_VARIANT="$variant")
if [ -n "${NESTED_KEEP_ENV:-}" ]; then while IFS= read -r -d '' e; do case $e in HOME=*|PATH=*|NESTED_*) ;; *) env_list+=("$e") ;; esac; done < <(env -0); fi
plain=(setpriv --reuid="$uid" --regid="$uid" --clear-groups --inh-caps=-all)
case $variant in # the variants without a container
  host-user) mount -t tmpfs -o mode=700,uid="$uid" tmpfs "$B"; rc=0
    env -i "${env_list[@]}" HOME="$B" "${plain[@]}" -- "$@" || rc=$?; exit $rc ;;
  host-nouserns) mount -t tmpfs -o mode=700,uid="$uid" tmpfs "$B"; rc=0 # a userns with the identity map whose own limit is 0
    old=$(readlink /proc/self/ns/user); (
    me=$BASHPID; ( for _ in {1..500}; do [ "$(readlink /proc/$me/ns/user)" = "$old" ] || break; sleep 0.01; done
      echo 0 0 4294967295 >/proc/$me/gid_map; echo 0 0 4294967295 >/proc/$me/uid_map ) </dev/null >/dev/null 2>&1 &
    # the shell that waits was exec'd with no uid mapped, so it has no capabilities; the second one has them again
    exec unshare -U sh -c 'until grep -q . /proc/self/uid_map; do sleep 0.01; done; exec "$0" -c '\''echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'\'' - "$@"' /bin/sh \
      env -i "${env_list[@]}" HOME="$B" "${plain[@]}" -- "$@" ) || rc=$?; exit $rc ;;
esac
command -v crun >/dev/null || skip "crun is not installed (apt-get install crun)"

esc() { s=${1//\\/\\\\}; s=${s//\"/\\\"}; s=${s//$'\n'/\\n}; s=${s//$'\t'/\\t}; s=${s//$'\r'/\\r}; s=\"$s\"; }
q() { local s; esc "$1"; printf %s "$s"; }
list() { local o="" x s; for x in "$@"; do esc "$x"; o+=,$s; done; printf '[%s]' "${o#,}"; }
rule() { # NAMES ERRNO [VALUE VALUE2 OP]: refuse, where argument 0 is so
  printf ',{"names":%s,"action":"SCMP_ACT_ERRNO","errnoRet":%s' "$(list $1)" "$2"
  [ $# -lt 5 ] || printf ',"args":[{"index":0,"value":%s,"valueTwo":%s,"op":"%s"}]' "$3" "$4" "$5"; printf '}'; }

# --- what each variant is
docker_caps="CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
caps=$docker_caps run_uid=0 nnp=false ro=false seccomp=docker masked=1 userns=0 namespaces="mount pid ipc uts cgroup"
case $variant in
  docker) ;;
  docker-user) run_uid=$uid ;;
  docker-unconfined) seccomp= ;;
  docker-unconfined-user) seccomp= run_uid=$uid ;;
  docker-apparmor) seccomp=mount run_uid=$uid ;;
  docker-sysadmin) caps+=" SYS_ADMIN" ;;
  k8s) run_uid=$uid caps= nnp=true ro=true ;;
  privileged) caps=ALL seccomp= masked=0 ;;
  podman|podman-user) caps="CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT" seccomp=podman userns=1
    [ "$variant" = podman ] || run_uid=1000 ;;
  host-apparmor) run_uid=$uid caps=ALL seccomp=apparmor masked=0 namespaces=mount NESTED_NET=host ;;
  *) echo "nested-env: unknown variant $variant" >&2; exit 64 ;;
esac
[ "${NESTED_NET:-}" = host ] || namespaces+=" network"
[ $userns = 0 ] || namespaces+=" user"
if [ "$caps" = ALL ]; then # all that this machine's root has: asking for more makes the runtime fail
  caps=; bnd=$((16#$(sed -n 's/^CapBnd:\s*//p' /proc/self/status))); i=0
  for c in CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE; do
    (( bnd >> i & 1 )) && caps+=" $c"; i=$((i + 1)); done
fi
bounding=$(list $(printf 'CAP_%s ' $caps | sed 's/CAP_ $//')); effective=$bounding; [ "$run_uid" = 0 ] || effective='[]'

# --- seccomp: the allow lists of moby/containerd and of containers-common, turned round (what is left out of them is refused)
kernel="uselib ustat sysfs vhangup acct settimeofday swapon swapoff sethostname setdomainname iopl ioperm init_module delete_module query_module quotactl nfsservctl lookup_dcookie clock_settime kexec_load kexec_file_load finit_module migrate_pages move_pages perf_event_open fanotify_init open_by_handle_at kcmp bpf userfaultfd process_madvise quotactl_fd"
admin="mount umount2 unshare setns sethostname setdomainname syslog bpf perf_event_open fanotify_init lookup_dcookie quotactl quotactl_fd open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr"
rules=
case $seccomp in
  docker) deny="$kernel _sysctl pivot_root reboot mbind set_mempolicy get_mempolicy set_mempolicy_home_node add_key request_key keyctl io_uring_setup io_uring_enter io_uring_register pidfd_getfd"
    if [[ $caps == *SYS_ADMIN* ]]; then for s in $admin; do deny=" $deny "; deny=${deny// $s / }; done
    else deny+=" $admin"; rules+=$(rule clone3 38)
      for f in 131072 33554432 67108864 134217728 268435456 536870912 1073741824; do rules+=$(rule clone 1 $f $f SCMP_CMP_MASKED_EQ); done; fi
    [[ $caps == *SYS_CHROOT* ]] || deny+=" chroot"
    rules+=$(rule "$(tr ' ' '\n' <<<"$deny" | sort -u | xargs)" 1)$(rule socket 1 38 0 SCMP_CMP_EQ)$(rule socket 1 40 0 SCMP_CMP_EQ)
    rules+=$(rule personality 1 2147745792 262144 SCMP_CMP_MASKED_EQ) ;; # ADDR_NO_RANDOMIZE, but not the query 0xffffffff
  podman) rules+=$(rule "$kernel vmsplice io_pgetevents" 1)$(rule "_sysctl add_key request_key io_uring_setup io_uring_enter io_uring_register" 38)
    rules+=$(rule personality 38 2147745792 262144 SCMP_CMP_MASKED_EQ) ;;
  mount) rules+=$(rule "mount move_mount pivot_root" 13) ;;
  apparmor) rules+=$(rule "${admin/unshare/} pivot_root chroot" 13)
    for f in 131072 33554432 67108864 536870912 1073741824; do rules+=$(rule unshare 1 $((f + 268435456)) $f SCMP_CMP_MASKED_EQ); done ;;
esac
for x in ${NESTED_DENY:-}; do rules+=$(rule "${x%=*}" "${x#*=}"); done
case $(uname -m) in x86_64) arch='["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"]' ;; aarch64) arch='["SCMP_ARCH_AARCH64","SCMP_ARCH_ARM"]' ;; *) arch='[]' ;; esac

# --- root file system and mounts
mount -t tmpfs -o mode=755 tmpfs "$B"; mkdir "$B"/{upper,work,rootfs,state}
mount -t overlay -o "lowerdir=/,upperdir=$B/upper,workdir=$B/work" overlay "$B/rootfs" || skip "no overlay on /"
[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup # crun refuses the hybrid layout
host0=0; [ $userns = 0 ] || { host0=$uid; chown "$host0:$host0" "$B/rootfs" "$B/rootfs"/{root,home,var/tmp}; }
home=/root; if [ "$run_uid" != 0 ]; then home=/home/agent; [ $ro = false ] || home=/; fi
mkdir -p "$B/rootfs$project" "$B/rootfs/home/agent" "$B/rootfs/dev" "$B/rootfs/proc" "$B/rootfs/sys"
for ((d=${#project}; d; )); do p=${project:0:d}; chmod a+x "$B/rootfs$p"; p=${p%/*}; d=${#p}; done # parents, e.g. /root
who=$run_uid; [ $userns = 0 ] || who=$((run_uid ? 99999 + run_uid : host0)); chown "$who:$who" "$B/rootfs/home/agent"
mnt() { printf ',{"destination":%s,"type":%s,"source":%s,"options":%s}' "$(q "$1")" "$(q "$2")" "$(q "$3")" "$(list ${4//,/ })"; }
rw=ro; [ "$variant" != privileged ] || rw=rw
if [ "$variant" = host-apparmor ]; then mounts=$(mnt /proc bind /proc rbind,ro)$(mnt /dev bind /dev rbind)$(mnt /sys bind /sys rbind,ro)
else mounts=$(mnt /proc proc proc nosuid,noexec,nodev)$(mnt /dev tmpfs tmpfs nosuid,strictatime,mode=755,size=65536k)
  mounts+=$(mnt /dev/pts devpts devpts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620)
  if [[ $namespaces == *user* && $namespaces != *network* ]]; then mounts+=$(mnt /sys bind /sys rbind,ro); else mounts+=$(mnt /sys sysfs sysfs nosuid,noexec,nodev,$rw); mounts+=$(mnt /sys/fs/cgroup cgroup cgroup nosuid,noexec,nodev,$rw); fi
  mounts+=$(mnt /dev/mqueue mqueue mqueue nosuid,noexec,nodev)$(mnt /dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=65536k); fi
[ $ro = false ] || mounts+=$(mnt /tmp tmpfs tmpfs nosuid,nodev,mode=1777)
mounts+=$(mnt "$project" bind "$project" rbind,rw,rprivate)
devices=; [ "$variant" != privileged ] || for f in /dev/fuse /dev/net/tun /dev/kvm /dev/kmsg; do [ ! -c $f ] || devices+=$(printf ',{"path":"%s","type":"c","major":%d,"minor":%d,"fileMode":438}' $f 0x$(stat -c %t $f) 0x$(stat -c %T $f)); done
cwd=$PWD; [[ $cwd/ == "$project"/* ]] || cwd=$project
hostname='"hostname":"nested",'; [[ $namespaces == *uts* ]] || hostname=
ns=; for n in $namespaces; do ns+=",{\"type\":\"$n\"}"; done
{ printf '{"ociVersion":"1.0.2",%s"root":{"path":%s,"readonly":%s},' "$hostname" "$(q "$B/rootfs")" $ro
  printf '"process":{"terminal":false,"user":{"uid":%d,"gid":%d,"additionalGids":[%d]},"cwd":%s,"args":%s,' "$run_uid" "$run_uid" "$run_uid" "$(q "$cwd")" "$(list "$@")"
  printf '"env":%s,"noNewPrivileges":%s,"oomScoreAdj":0,' "$(list "${env_list[@]}" HOME=$home)" $nnp
  printf '"capabilities":{"bounding":%s,"permitted":%s,"effective":%s}},' "$bounding" "$effective" "$effective"
  printf '"mounts":[%s],"linux":{"namespaces":[%s],"devices":[%s]' "${mounts#,}" "${ns#,}" "${devices#,}"
  [ $userns = 0 ] || for m in uid gid; do printf ',"%sMappings":[{"containerID":0,"hostID":%d,"size":1},{"containerID":1,"hostID":100000,"size":65536}]' $m "$host0"; done
  [[ $namespaces != *network* || $variant == podman* ]] || printf ',"sysctl":{"net.ipv4.ip_unprivileged_port_start":"0"}'
  [ $masked = 0 ] || printf ',"maskedPaths":%s,"readonlyPaths":%s' "$(list /proc/{acpi,asound,interrupts,kcore,keys,latency_stats,sched_debug,scsi,timer_list,timer_stats} /sys/devices/virtual/powercap /sys/firmware)" "$(list /proc/{bus,fs,irq,sys,sysrq-trigger})"
  [ -z "$rules" ] || printf ',"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","architectures":%s,"syscalls":[%s]}' "$arch" "${rules#,}"
  printf '}}\n'; } > "$B/config.json"
rc=0; crun --root "$B/state" --cgroup-manager=disabled run --bundle "$B" "nested-$$" || rc=$?
exit $rc
