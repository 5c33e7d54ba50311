/** Service administration (XEP-0133): the commands with which administrators run the server from their client. */
import { definePlugin } from '@beaconfire/plugin-sdk'
import { accountCommands } from './account-commands.js'
import { accountQueries } from './account-queries.js'
import { adminCommand } from './admin-command.js'
import { Announcements } from './announcements.js'
import { editAdmins } from './edit-admins.js'
import { messageCommands } from './message-commands.js'
import { StandingMessages } from './standing-messages.js'
import { TargetAccounts } from './target-accounts.js'
import { userLists } from './user-lists.js'

export default definePlugin({
  name: 'service-admin',
  version: '0.1.0',
  description: 'Service administration (XEP-0133)',
  requires: ['roster', 'presence'],

  setup(context) {
    const { accounts, admins, domain, log, services, sessions } = context
    const targets = new TargetAccounts(accounts, domain)
    const messages = new StandingMessages(context.database)
    const announcements = new Announcements(domain, sessions, messages, log)
    const commands = [
      ...accountCommands({ accounts, sessions, targets }),
      ...accountQueries({ sessions, targets, ...services }),
      ...userLists(accounts, sessions, domain),
      ...messageCommands(messages, announcements),
      editAdmins(admins, accounts, domain),
    ]
    return {
      commands: commands.map((command) => adminCommand(command, context)),
      hooks: {
        keptMessagesDue({ session }) {
          if (messages.motd !== undefined) return announcements.showMotd(session)
        },
        async userCreated({ user }) {
          const welcome = announcements.welcome(user)
          if (welcome) await context.send(welcome)
        },
      },
      start: () => messages.load(),
    }
  },
})
