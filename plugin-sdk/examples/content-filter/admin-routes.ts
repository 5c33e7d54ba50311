/** The rules in the admin API: listed, added, changed, removed, and tried on a text. A change is in force when it is answered. */
import { AdminError, type AdminRoute, adminRoute, Type } from '@beaconfire/plugin-sdk'
import { LONGEST_PATTERN, PatternRefused } from './pattern.js'
import type { Rule } from './rule-store.js'
import { MOST_RULES, type Outcome, type Rules } from './rules.js'

const action = Type.Enum(['reject', 'mask'])
const ruleBody = Type.Object({ pattern: Type.String({ minLength: 1, maxLength: LONGEST_PATTERN }), action })
const ruleAnswer = Type.Object({ id: Type.Integer(), pattern: Type.String(), action: Type.String() })
const ruleId = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }) })

export function adminRoutes(rules: Rules): AdminRoute[] {
  return [
    adminRoute({
      method: 'GET',
      path: '/rules',
      summary: 'All rules of the content filter',
      response: Type.Object({ items: Type.Array(ruleAnswer) }),
      handle: () => ({ items: rules.all }),
    }),
    adminRoute({
      method: 'POST',
      path: '/rules',
      summary: 'Add a rule',
      body: ruleBody,
      response: ruleAnswer,
      status: 201,
      handle: ({ body }) => answered(rules.add(body.pattern, body.action)),
    }),
    adminRoute({
      method: 'PUT',
      path: '/rules/:id',
      summary: 'Change a rule',
      params: ruleId,
      body: ruleBody,
      response: ruleAnswer,
      handle: ({ params, body }) => answered(rules.change(params.id, body.pattern, body.action)),
    }),
    adminRoute({
      method: 'DELETE',
      path: '/rules/:id',
      summary: 'Remove a rule',
      params: ruleId,
      async handle({ params }) {
        if (!(await rules.remove(params.id))) throw missing()
      },
    }),
    tryRoute(rules),
  ]
}

function tryRoute(rules: Rules): AdminRoute {
  return adminRoute({
    method: 'POST',
    path: '/try',
    summary: 'What the rules would make of a text; nothing is sent',
    body: Type.Object({ text: Type.String({ maxLength: 65_536 }) }),
    response: Type.Object({ rejectedBy: Type.Optional(Type.Integer()), text: Type.Optional(Type.String()) }),
    handle({ body: { text } }) {
      const match = rules.rejecting.first(text)
      return match ? { rejectedBy: match.ruleId } : { text: rules.masking.masked(text) ?? text }
    },
  })
}

async function answered(outcome: Promise<Outcome>): Promise<Rule> {
  const result = await outcome.catch((error: unknown) => {
    if (error instanceof PatternRefused) throw new AdminError(422, 'pattern-refused', error.message, 'body.pattern')
    throw error
  })
  if ('rule' in result) return result.rule
  if (result.refused === 'missing') throw missing()
  if (result.refused === 'taken') throw new AdminError(409, 'pattern-taken', 'there is a rule with this pattern; change that one', 'body.pattern')
  throw new AdminError(409, 'too-many-rules', `there can be ${MOST_RULES} rules; remove some`)
}

function missing(): AdminError {
  return new AdminError(404, 'rule-not-found', 'there is no rule with this id')
}
