/** A recording file as the flight recorder exports it, of one message from romeo to juliet that met no interceptor. */
import { writeFile } from 'node:fs/promises'

export async function writeRecording(file: string): Promise<void> {
  const session = { kind: 'client', id: 's1', remoteAddress: '192.0.2.1', secure: true, jid: 'romeo@test/a' }
  const packet = '<message from="romeo@test/a" to="juliet@test" type="chat" id="m1"><body>Wherefore?</body></message>'
  const lines = [
    { format: 'beaconfire-recording', version: 1, domain: 'test', recordedAt: '', flights: 1 },
    { flight: '1', at: 1_700_000_000_000, bodies: true, crossing: 0, incoming: true, session, packet, steps: [] },
  ]
  await writeFile(file, lines.map((it) => `${JSON.stringify(it)}\n`).join(''))
}
