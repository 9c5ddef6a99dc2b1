import type { Random } from '../../src/detector/random.ts';
import type { CicidsFields } from './cicids2017-line.ts';

interface Campaign {
  readonly label: string;
  readonly from: string;
  /** The first minute after it. */
  readonly to: string;
  readonly flowsPerMinute: number;
  readonly flow: (random: Random) => Partial<CicidsFields>;
}

export interface WeekFile {
  readonly name: string;
  readonly dayOfJuly: number;
  /** On a 24-hour clock; written on a 12-hour one. */
  readonly from: string;
  readonly to: string;
  readonly withSeconds?: true;
  readonly emptyLines?: number;
  readonly campaigns: readonly Campaign[];
}

const ATTACKER = '172.16.0.1';
const WEB_SERVER = '192.168.10.50';
const HEARTBLEED_SERVER = '192.168.10.51';
const COMMAND_SERVER = '205.174.165.73';
const INFILTRATED = '192.168.10.8';
const BOT = '192.168.10.15';

export const ephemeral = (random: Random): number => 32_768 + random.nextInt(28_000);

function towards(
  destinationIp: string,
  destinationPort: number,
  volume: Pick<CicidsFields, 'packets' | 'payload' | 'headerBytes'>,
): Campaign['flow'] {
  return (random) => ({
    sourceIp: ATTACKER,
    sourcePort: ephemeral(random),
    destinationIp,
    destinationPort,
    ...volume,
  });
}

const LOGIN = { packets: [11, 17], payload: [106, 252], headerBytes: [360, 552] } as const;
const REQUEST = { packets: [5, 4], payload: [340, 3200], headerBytes: [168, 136] } as const;
const HANGING = { packets: [4, 1], payload: [8, 0], headerBytes: [128, 32] } as const;
const PROBE = { packets: [1, 1], payload: [0, 6], headerBytes: [40, 20] } as const;

/** In the published Thursday file the dash is byte 0x96: the files are written byte by byte. */
const WEB = 'Web Attack \u0096';

const MONDAY: WeekFile = {
  name: 'Monday-WorkingHours.pcap_ISCX.csv',
  dayOfJuly: 3,
  from: '8:55',
  to: '17:01',
  withSeconds: true,
  campaigns: [],
};

/** All eight files, with the attacks of the published schedule on their days. */
export const WEEK_FILES: readonly WeekFile[] = [
  MONDAY,
  {
    name: 'Tuesday-WorkingHours.pcap_ISCX.csv',
    dayOfJuly: 4,
    from: '8:53',
    to: '17:00',
    campaigns: [
      {
        label: 'FTP-Patator',
        from: '9:20',
        to: '10:20',
        flowsPerMinute: 60,
        flow: towards(WEB_SERVER, 21, LOGIN),
      },
      {
        label: 'SSH-Patator',
        from: '14:00',
        to: '15:00',
        flowsPerMinute: 40,
        flow: towards(WEB_SERVER, 22, LOGIN),
      },
    ],
  },
  {
    name: 'Wednesday-workingHours.pcap_ISCX.csv',
    dayOfJuly: 5,
    from: '8:42',
    to: '17:08',
    campaigns: [
      {
        label: 'DoS slowloris',
        from: '9:47',
        to: '10:10',
        flowsPerMinute: 100,
        flow: towards(WEB_SERVER, 80, HANGING),
      },
      {
        label: 'DoS Slowhttptest',
        from: '10:14',
        to: '10:35',
        flowsPerMinute: 100,
        flow: towards(WEB_SERVER, 80, HANGING),
      },
      {
        label: 'DoS Hulk',
        from: '10:43',
        to: '11:00',
        flowsPerMinute: 600,
        flow: towards(WEB_SERVER, 80, REQUEST),
      },
      {
        label: 'DoS GoldenEye',
        from: '11:10',
        to: '11:23',
        flowsPerMinute: 300,
        flow: towards(WEB_SERVER, 80, REQUEST),
      },
      {
        label: 'Heartbleed',
        from: '15:12',
        to: '15:32',
        flowsPerMinute: 1,
        flow: towards(HEARTBLEED_SERVER, 444, {
          packets: [2000, 2100],
          payload: [12_000, 7_800_000],
          headerBytes: [64_000, 67_200],
        }),
      },
    ],
  },
  {
    name: 'Thursday-WorkingHours-Morning-WebAttacks.pcap_ISCX.csv',
    dayOfJuly: 6,
    from: '8:59',
    to: '13:00',
    emptyLines: 5000,
    campaigns: [
      {
        label: `${WEB} Brute Force`,
        from: '9:20',
        to: '10:00',
        flowsPerMinute: 30,
        flow: towards(WEB_SERVER, 80, REQUEST),
      },
      {
        label: `${WEB} XSS`,
        from: '10:15',
        to: '10:35',
        flowsPerMinute: 30,
        flow: towards(WEB_SERVER, 80, REQUEST),
      },
      {
        label: `${WEB} Sql Injection`,
        from: '10:40',
        to: '10:42',
        flowsPerMinute: 6,
        flow: towards(WEB_SERVER, 80, REQUEST),
      },
    ],
  },
  {
    name: 'Thursday-WorkingHours-Afternoon-Infilteration.pcap_ISCX.csv',
    dayOfJuly: 6,
    from: '13:00',
    to: '17:00',
    campaigns: [
      {
        label: 'Infiltration',
        from: '14:20',
        to: '14:30',
        flowsPerMinute: 120,
        flow: (random) => ({
          sourceIp: INFILTRATED,
          sourcePort: ephemeral(random),
          destinationIp: `192.168.10.${1 + random.nextInt(60)}`,
          destinationPort: 1 + random.nextInt(10_000),
          ...PROBE,
        }),
      },
    ],
  },
  {
    name: 'Friday-WorkingHours-Morning.pcap_ISCX.csv',
    dayOfJuly: 7,
    from: '8:59',
    to: '13:00',
    campaigns: [
      {
        label: 'Bot',
        from: '10:00',
        to: '11:00',
        flowsPerMinute: 2,
        flow: (random) => ({
          sourceIp: BOT,
          sourcePort: ephemeral(random),
          destinationIp: COMMAND_SERVER,
          destinationPort: 8080,
          packets: [4, 3],
          payload: [206, 134],
          headerBytes: [92, 72],
        }),
      },
    ],
  },
  {
    name: 'Friday-WorkingHours-Afternoon-PortScan.pcap_ISCX.csv',
    dayOfJuly: 7,
    from: '13:00',
    to: '15:30',
    campaigns: [
      {
        label: 'PortScan',
        from: '13:55',
        to: '14:35',
        flowsPerMinute: 400,
        flow: (random) => ({
          sourceIp: ATTACKER,
          sourcePort: ephemeral(random),
          destinationIp: WEB_SERVER,
          destinationPort: 1 + random.nextInt(10_000),
          ...PROBE,
        }),
      },
    ],
  },
  {
    name: 'Friday-WorkingHours-Afternoon-DDos.pcap_ISCX.csv',
    dayOfJuly: 7,
    from: '15:30',
    to: '17:02',
    campaigns: [
      {
        label: 'DDoS',
        from: '15:56',
        to: '16:16',
        flowsPerMinute: 800,
        flow: towards(WEB_SERVER, 80, REQUEST),
      },
    ],
  },
];

/**
 * Windows of 5 minutes in which somebody attacks in the generated week, counted by hand from the times above: the
 * attackers do nothing else (but the infiltrated host, whose scan is most of what it does), so each is an entity.
 */
export const ATTACK_WINDOWS_OF_THE_WEEK = {
  'FTP-Patator': 12,
  'SSH-Patator': 12,
  Bot: 12,
  PortScan: 8,
  'Web Attack - Brute Force': 8,
  'DoS Slowhttptest': 5,
  'DoS slowloris': 5,
  Heartbleed: 5,
  DDoS: 5,
  'DoS Hulk': 4,
  'Web Attack - XSS': 4,
  'DoS GoldenEye': 3,
  Infiltration: 2,
  'Web Attack - Sql Injection': 1,
} as const;
