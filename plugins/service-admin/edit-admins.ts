/** The list of administrators, changed by one of them (XEP-0133 §4.29). */
import { type Accounts, type Admins, type Jid, StanzaError } from '@beaconfire/plugin-sdk'
import type { AdminCommand } from './admin-command.js'

export function editAdmins(admins: Admins, accounts: Accounts, domain: Jid): AdminCommand {
  return {
    name: 'edit-admin',
    title: 'Edit the list of administrators',
    instructions: 'Those that stand in the configuration stay.',
    fields: () => [{ name: 'adminjids', type: 'jid-multi', label: 'The admin list', value: admins.list() }],
    async act(values, { user }) {
      const jids = values.jids('adminjids').map((jid) => jid.bare())
      const isKept = (jid: Jid) => [...jids, ...admins.configured].some((it) => it.equals(jid))
      if (!isKept(user.bare())) throw new StanzaError('not-allowed', { text: 'You cannot take your own rights away.' })
      for (const jid of jids) {
        // Whoever registered the name next would have the rights.
        const isNobody = jid.local === '' || (jid.domain === domain.domain && !(await accounts.find(jid.local)))
        if (isNobody) throw new StanzaError('item-not-found', { text: `There is no account ${jid}.` })
      }
      await admins.replace(jids)
      const staying = admins.configured.filter((jid) => !jids.some((it) => it.equals(jid)))
      return { notes: staying.map((jid) => ({ type: 'warn', text: `${jid} stands in the configuration, and stays.` })) }
    },
  }
}
