#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#SBATCH --job-name=score
#SBATCH --ntasks=1 --cpus-per-task=1
#SBATCH --requeue
# A Slurm job array, a task a part, and a job that joins them when all have ended well:
#   score=$(sbatch --parsable --array=1-100 slurm_array.sh HERE INPUT FOLDER [FLAG...])
#   sbatch --dependency=afterok:$score --wrap "HERE/join_parts.sh 100 FOLDER OUTPUT"
# HERE is the folder of these scripts. Slurm itself runs a task again when its machine is lost; here it is put back into
# the queue when the program was killed, up to three times. A wrong record (status 2) or file (1) is not tried again.
set -uo pipefail
here=$1 input=$2 folder=$3
shift 3
mkdir -p "$folder"
"$here/score_part.sh" "$SLURM_ARRAY_TASK_ID" "$SLURM_ARRAY_TASK_COUNT" "$input" "$folder" "$@"
status=$?
if [ "$status" -gt 2 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 3 ]; then
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit "$status"
