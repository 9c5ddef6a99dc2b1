/** The 85 columns as published: most with a leading blank, ` Fwd Header Length` twice. */
export const CICIDS_HEADER =
  'Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration, Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets, Fwd Packet Length Max, Fwd Packet Length Min, Fwd Packet Length Mean, Fwd Packet Length Std,Bwd Packet Length Max, Bwd Packet Length Min, Bwd Packet Length Mean, Bwd Packet Length Std,Flow Bytes/s, Flow Packets/s, Flow IAT Mean, Flow IAT Std, Flow IAT Max, Flow IAT Min,Fwd IAT Total, Fwd IAT Mean, Fwd IAT Std, Fwd IAT Max, Fwd IAT Min,Bwd IAT Total, Bwd IAT Mean, Bwd IAT Std, Bwd IAT Max, Bwd IAT Min,Fwd PSH Flags, Bwd PSH Flags, Fwd URG Flags, Bwd URG Flags, Fwd Header Length, Bwd Header Length,Fwd Packets/s, Bwd Packets/s, Min Packet Length, Max Packet Length, Packet Length Mean, Packet Length Std, Packet Length Variance,FIN Flag Count, SYN Flag Count, RST Flag Count, PSH Flag Count, ACK Flag Count, URG Flag Count, CWE Flag Count, ECE Flag Count, Down/Up Ratio, Average Packet Size, Avg Fwd Segment Size, Avg Bwd Segment Size, Fwd Header Length,Fwd Avg Bytes/Bulk, Fwd Avg Packets/Bulk, Fwd Avg Bulk Rate, Bwd Avg Bytes/Bulk, Bwd Avg Packets/Bulk,Bwd Avg Bulk Rate,Subflow Fwd Packets, Subflow Fwd Bytes, Subflow Bwd Packets, Subflow Bwd Bytes,Init_Win_bytes_forward, Init_Win_bytes_backward, act_data_pkt_fwd, min_seg_size_forward,Active Mean, Active Std, Active Max, Active Min,Idle Mean, Idle Std, Idle Max, Idle Min, Label';

const FIELD_COUNT = CICIDS_HEADER.split(',').length;
const FLOW_BYTES_PER_SECOND = 20;
const FWD_HEADER_LENGTH = [40, 61] as const;
const BWD_HEADER_LENGTH = 41;

/** A line of nothing but commas. */
export const EMPTY_CICIDS_LINE = ','.repeat(FIELD_COUNT - 1);

/** What a line can differ in; the rest of the 85 columns is filled with zeros. */
export interface CicidsFields {
  readonly sourceIp: string;
  readonly sourcePort: number | string;
  readonly destinationIp: string;
  readonly destinationPort: number | string;
  readonly protocol: number;
  readonly timestamp: string;
  readonly packets: readonly [forward: number | string, backward: number | string];
  readonly payload: readonly [forward: number | string, backward: number | string];
  readonly headerBytes: readonly [forward: number | string, backward: number | string];
  readonly bytesPerSecond: string;
  readonly label: string;
}

const ORDINARY: CicidsFields = {
  sourceIp: '192.168.10.5',
  sourcePort: 54_865,
  destinationIp: '104.16.207.165',
  destinationPort: 443,
  protocol: 6,
  timestamp: '7/7/2017 3:30',
  packets: [3, 2],
  payload: [120, 400],
  headerBytes: [96, 64],
  bytesPerSecond: '1040',
  label: 'BENIGN',
};

export function cicidsLine(changes: Partial<CicidsFields> = {}): string {
  const flow = { ...ORDINARY, ...changes };
  const { sourceIp, sourcePort, destinationIp, destinationPort, protocol } = flow;
  const fields = new Array<string | number>(FIELD_COUNT).fill(0);
  fields[0] = `${sourceIp}-${destinationIp}-${sourcePort}-${destinationPort}-${protocol}`;
  fields.splice(1, 6, sourceIp, sourcePort, destinationIp, destinationPort, protocol, flow.timestamp);
  fields.splice(7, 5, 500_000, ...flow.packets, ...flow.payload);
  fields[FLOW_BYTES_PER_SECOND] = flow.bytesPerSecond;
  for (const position of FWD_HEADER_LENGTH) fields[position] = flow.headerBytes[0];
  fields[BWD_HEADER_LENGTH] = flow.headerBytes[1];
  fields[FIELD_COUNT - 1] = flow.label;
  return fields.join(',');
}
