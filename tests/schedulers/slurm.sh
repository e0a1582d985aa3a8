#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154  # common.sh has them
# slurm.sh SCORE_STREAM TABSCORE_MERGE: a Slurm of a controller and three nodes on this machine, without systemd and
# cgroups (as root), runs the job array; parts are killed, and a whole node is. 77: it is not installed.
for needed in slurmctld slurmd sbatch munged mungekey; do
  command -v $needed > /dev/null || { echo "skipped: no $needed (apt install slurmctld slurmd slurm-client munge)"; exit 77; }
done
[ "$(id -u)" -eq 0 ] || { echo "skipped: slurmd needs root"; exit 77; }
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
started=()
stop() {
  for pid in "${started[@]}"; do { kill -9 "$pid" && wait "$pid"; } 2> /dev/null || true; done
  rm -rf "$work"
}
trap stop EXIT
chmod 755 "$work"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
mkdir -p "$work/munge" "$work/state" "$work/spool"
chmod 700 "$work/munge"
mungekey --create --keyfile "$work/munge/key"
munged --foreground --force --key-file "$work/munge/key" --socket "$work/munge/socket" --pid-file "$work/munge/pid" \
  --log-file "$work/munge/log" --seed-file "$work/munge/seed" > /dev/null 2>&1 &
started+=($!)
cat > "$work/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket,cred_expire=10
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool/%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd-%n.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/linear
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SchedulerType=sched/builtin
ReturnToService=2
JobRequeue=1
SlurmdTimeout=10
KillWait=1
MinJobAge=3600
$(for n in 1 2 3; do echo "NodeName=n$n NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$(free_port) CPUs=1"; done)
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
: > "$work/cgroup.conf"
export SLURM_CONF=$work/slurm.conf
for _ in $(seq 50); do [ -S "$work/munge/socket" ] && break; sleep 0.1; done
slurmctld -D > /dev/null 2>&1 &
started+=($!)
for n in 1 2 3; do
  slurmd -D -N "n$n" > /dev/null 2>&1 &
  started+=($!)
  eval "node$n=\$!"
done
for _ in $(seq 100); do
  [ "$(sinfo --noheader --format %D --states idle 2> /dev/null)" = 3 ] && break
  sleep 0.3
done
sinfo || { tail -n 5 "$work"/*.log >&2; exit 1; }
[ "$(sinfo --noheader --format %D --states idle)" = 3 ] || { tail -n 5 "$work"/*.log >&2; exit 1; }

make_input 20000 "$work/in.csv"
"$program" --from csv --quiet --output "$work/whole" --state-file "$work/whole.state" "$work/in.csv"
flaky "$work/flaky" "$work/killed"
export SCORE_STREAM=$work/flaky
score=$(sbatch --parsable --array=1-12 --output "$work/task-%a.log" "$schedulers/slurm_array.sh" "$schedulers" \
  "$work/in.csv" "$work/parts" --from csv)
join=$(sbatch --parsable --dependency "afterok:$score" --output "$work/join.log" \
  --wrap "$schedulers/join_parts.sh 12 $work/parts $work/slurm.out")
sleep 1
{ kill -9 "$node3" && wait "$node3"; } 2> /dev/null || true  # whatever it was about
for _ in $(seq 900); do  # Slurm waits as long as a credential lives (cred_expire) before it runs a requeued task
  state=$(scontrol show job "$join" | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p')
  [ "$state" = COMPLETED ] && break
  case $state in FAILED | CANCELLED) break ;; esac
  sleep 0.3
done
[ "$state" = COMPLETED ] || { echo "the joining job is $state" >&2; squeue >&2; tail -n 30 "$work"/slurmctld.log >&2; exit 1; }
[ "$(find "$work/killed" -name 'killed-*' | wc -l)" -eq 4 ] || { echo "no part was killed" >&2; exit 1; }
expect_same slurm "$work/slurm.out" "$work/parts"
