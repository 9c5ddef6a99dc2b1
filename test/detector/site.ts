import { trainModel } from '../../src/detector/train-model.ts';
import type { TrainedModel } from '../../src/detector/trained-model.ts';
import type { TrafficWindows } from '../../src/features/traffic-windows.ts';
import { attackRecords, info, isInternal, normalRecords, settings } from './site-parts.ts';
import { foldTraffic } from './traffic.ts';

export { info, isInternal, normalRecords, settings, thresholds } from './site-parts.ts';

/** 900 harmless sources inside and outside, and 50 attackers among them. */
export const siteTraffic: TrafficWindows = foldTraffic([...normalRecords(900), ...attackRecords(50)]);

export const siteModel: TrainedModel = trainModel({ traffic: siteTraffic, isInternal, settings, info });
