// How long things take. Collapsed: its panels read many series.
function(c)
  local histogram = (import 'histograms.libsonnet')(c);
  {
    title: 'Durations',
    collapsed: true,
    lines: [
      histogram(
        'Clone time',
        'vmpooler_vm_clone_duration_seconds',
        'How long the provider took to clone a VM.',
        "If it climbs for all pools, the provider's storage is busy or full; fewer clones at once (task_limit) may be faster.",
      ),
      histogram(
        'Time to ready',
        'vmpooler_vm_boot_duration_seconds',
        "From the beginning of a VM's clone until it was ready, or with the user whose request it was made for.",
        'If it climbs and the clone time does not, VMs boot slowly or get no address.',
      ),
      histogram(
        'Time in ready',
        'vmpooler_vm_ready_duration_seconds',
        'How long a VM was ready until it was checked out.',
        'Minutes: the pool is on the small side. Days: it is greater than it needs to be.',
      ),
      histogram(
        'Lease',
        'vmpooler_vm_lease_duration_seconds',
        'How long a user had a VM.',
        'Many that end at the same value are VMs that live until vm_lifetime: users forget to give them back.',
      ),
    ],
  }
