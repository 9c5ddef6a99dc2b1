import { generateKeyPairSync, sign } from 'node:crypto';

const OID = {
  ecdsaWithSha256: der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]),
  commonName: der(0x06, [0x55, 0x04, 0x03]),
  basicConstraints: der(0x06, [0x55, 0x1d, 0x13]),
  subjectAltName: der(0x06, [0x55, 0x1d, 0x11]),
};
const TRUE = der(0x01, [0xff]);

/**
 * A self-signed certificate for `localhost` and 127.0.0.1, by default valid from yesterday for three days: X.509 (RFC 5280)
 * written by hand, because Node makes keys but no certificates and openssl need not be installed.
 */
export function selfSignedCertificate(
  valid: { fromDays: number; toDays: number } = { fromDays: -1, toDays: 2 },
): {
  key: string;
  cert: string;
} {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(der(0x31, sequence(OID.commonName, der(0x0c, Buffer.from('localhost')))));
  const algorithm = sequence(OID.ecdsaWithSha256);
  const altNames = sequence(der(0x82, Buffer.from('localhost')), der(0x87, [127, 0, 0, 1]));
  const extensions = sequence(
    sequence(OID.basicConstraints, TRUE, der(0x04, sequence(TRUE))),
    sequence(OID.subjectAltName, der(0x04, altNames)),
  );
  const body = sequence(
    der(0xa0, der(0x02, [2])),
    der(0x02, [1]),
    algorithm,
    name,
    sequence(utcTime(valid.fromDays), utcTime(valid.toDays)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  const base64 = certificate.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}

function sequence(...parts: Uint8Array[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

/** One DER element: tag, length in one or more bytes, content. */
function der(tag: number, content: Uint8Array | number[]): Buffer {
  const bytes = Buffer.from(content);
  const { length } = bytes;
  const prefix =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...prefix), bytes]);
}

function utcTime(daysFromNow: number): Buffer {
  const text = new Date(Date.now() + daysFromNow * 86_400_000).toISOString().replace(/[-:T]/g, '');
  return der(0x17, Buffer.from(`${text.slice(2, 14)}Z`));
}
