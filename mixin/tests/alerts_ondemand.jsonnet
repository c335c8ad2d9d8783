local c = import 'cases.libsonnet';

local queues(request, create) = {
  'vmpooler_ondemand_queue_size{queue="request"}': request,
  'vmpooler_ondemand_queue_size{queue="create"}': create,
  'vmpooler_ondemand_queue_size{queue="processing"}': 50,
};

c.file([
  c.fires(
    c.alert('VmpoolerOndemandRequestsLost', 'warning', {}, "1 on-demand requests are pending, but vmpooler has forgotten them. Tell their users to ask again, and delete the requests through vmpooler's API."),
    after=5,
    sick={ vmpooler_ondemand_requests_lost: 1 },
    well={ vmpooler_ondemand_requests_lost: 0 },
  ),
  c.fires(
    c.alert('VmpoolerOndemandRequestStalled', 'warning', {}, 'The oldest on-demand request has waited for 30m 1s, limit 1800s. Look whether clones for it fail, and whether vmpooler is at its ondemand_clone_limit.'),
    after=10,
    sick={ vmpooler_ondemand_oldest_request_age_seconds: 1801 },
    well={ vmpooler_ondemand_oldest_request_age_seconds: 1800 },
  ),
  // Two requests a minute more.
  c.fires(
    c.alert('VmpoolerOndemandBacklogGrowing', 'warning', {}, "61 on-demand requests and clones for them wait to be begun, limit 20, and they grow. Look whether its pools' clones fail; ondemand_clone_limit may be too low."),
    after=15.5,
    sick=queues('10+1x60', 20),
    well=queues(10, 20),
  ),
  c.silent('VmpoolerOndemandBacklogGrowing', 'many ask at once, and get what they want', 60, queues('0+0x9 40-1x40 0+0x200', 0)),
  [
    c.test(
      'VmpoolerOndemandBacklogGrowing is silent: an exporter that has just begun sees no trend',
      [c.exporter(queues('10+1x60', 20)), c.exporter(queues('_x4 14+0x60', '_x4 20+0x60'), 'b:10124')],
      [c.at(minutes, 'VmpoolerOndemandBacklogGrowing') for minutes in std.range(1, 30)]
    ),
  ],
  c.silent('VmpoolerOndemandBacklogGrowing', 'few ask', 60, queues('0+0.0625x200', 0)),
])
