/**
 * The CICIDS2017 data set: a week of labelled traffic recorded by the Canadian Institute for Cybersecurity
 * (Sharafaldin, Habibi Lashkari, Ghorbani: Toward Generating a New Intrusion Detection Dataset, ICISSP 2018), as
 * published in GeneratedLabelledFlows.zip, folder `TrafficLabelling `.
 */
export type CicidsDay = 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday';

/** The day without attacks, on which the model is trained. */
export const CICIDS_TRAINING_DAY = 'monday' satisfies CicidsDay;

export const CICIDS_TEST_DAYS: readonly CicidsDay[] = ['tuesday', 'wednesday', 'thursday', 'friday'];

/** Day of July 2017. */
export const CICIDS_DAY_OF_JULY: Readonly<Record<CicidsDay, number>> = {
  monday: 3,
  tuesday: 4,
  wednesday: 5,
  thursday: 6,
  friday: 7,
};

export interface CicidsFileName {
  /** As published; looked up without regard to case, since copies differ in it. */
  readonly name: string;
  readonly day: CicidsDay;
  /** What the file is needed for, in words. */
  readonly holds: string;
}

/** In order of time. */
export const CICIDS_FILES: readonly CicidsFileName[] = [
  {
    name: 'Monday-WorkingHours.pcap_ISCX.csv',
    day: 'monday',
    holds: 'benign traffic only, the model is trained on it',
  },
  {
    name: 'Tuesday-WorkingHours.pcap_ISCX.csv',
    day: 'tuesday',
    holds: 'password guessing on FTP and SSH',
  },
  {
    name: 'Wednesday-workingHours.pcap_ISCX.csv',
    day: 'wednesday',
    holds: 'denial of service and Heartbleed',
  },
  {
    name: 'Thursday-WorkingHours-Morning-WebAttacks.pcap_ISCX.csv',
    day: 'thursday',
    holds: 'web attacks',
  },
  {
    name: 'Thursday-WorkingHours-Afternoon-Infilteration.pcap_ISCX.csv',
    day: 'thursday',
    holds: 'infiltration',
  },
  { name: 'Friday-WorkingHours-Morning.pcap_ISCX.csv', day: 'friday', holds: 'a botnet' },
  { name: 'Friday-WorkingHours-Afternoon-PortScan.pcap_ISCX.csv', day: 'friday', holds: 'port scans' },
  {
    name: 'Friday-WorkingHours-Afternoon-DDos.pcap_ISCX.csv',
    day: 'friday',
    holds: 'distributed denial of service',
  },
];

/**
 * The inside of the victim network. Not 172.16.0.0/16, private as it is: the attackers of the week sit on the Internet
 * and appear as 172.16.0.1, the outer side of the NAT in front of the victims, so that address is external here.
 */
export const CICIDS_INTERNAL_NETWORKS: readonly string[] = ['192.168.10.0/24'];
