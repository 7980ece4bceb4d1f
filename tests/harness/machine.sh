#!/bin/sh
# Run by machine.py in namespaces of its own (mount, process, network, name): makes DIR/root a machine with
# the files of this one, writes nothing back, and becomes its first process. Nothing of it may reach this
# machine: /proc/sys is read-only, /dev its own, and no unit of systemd but the journal starts.
# usage: machine.sh DIR REPOSITORY
set -eu
dir=$1 repository=$2 root=$1/root
mount --make-rprivate /
mount -t tmpfs -o mode=755 machine "$dir"
mkdir "$root" "$dir/upper" "$dir/work" "$dir/upper2" "$dir/work2"
mount -t overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" machine "$root"
# The repository may be on another file system.
mount -t overlay -o "lowerdir=$repository,upperdir=$dir/upper2,workdir=$dir/work2" repository "$root$repository"

mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,gid=5,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
ip link set lo up
hostname machine

# No service of this machine but the journal, and nothing that was installed by hand.
rm -rf "$root"/lib/systemd/system-generators "$root"/etc/systemd/system/* "$root"/lib/systemd/system/*.wants \
  "$root"/etc/sojourn "$root"/var/lib/sojourn "$root"/usr/local/bin/sojourn
mkdir "$root/lib/systemd/system/sysinit.target.wants"
ln -s ../systemd-journald.service "$root/lib/systemd/system/sysinit.target.wants/"

cd "$root"
mkdir run/before
pivot_root . run/before
umount -l /run/before
exec env -i container=tests PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --unit=multi-user.target --log-target=null
