#!/bin/sh
# Starts a connector with three quarters of the memory that the container may use (cgroup 2, then 1); without a limit, as
# Node does by itself.
name=$1
shift
limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null)
case $limit in
  '' | max | *[!0-9]* | ????????????????*) heap= ;;
  *) heap=--max-old-space-size=$((limit / 1048576 * 3 / 4)) ;;
esac
exec node $heap "${PARLEY_HOME:-/opt/parley}/node_modules/parley-mirror/dist/$name.js" "$@"
