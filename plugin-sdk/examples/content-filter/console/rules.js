/** The rules in the console: what the page shows and changes goes by the admin routes of the plugin. */
import { api } from '/console/console.js'

const ROUTES = '/api/v1/plugins/content-filter'
const [status, tried, rules, addForm, tryForm] = ['status', 'tried', 'rules', 'add', 'try'].map((id) => document.getElementById(id))

function rowOf({ id, pattern, action }) {
  const row = document.createElement('tr')
  for (const text of [pattern, action]) row.insertCell().textContent = text
  const button = document.createElement('button')
  button.textContent = 'Remove'
  button.setAttribute('aria-label', `Remove ${pattern}`)
  button.addEventListener('click', () => attempt(() => api(`${ROUTES}/rules/${id}`, { method: 'DELETE' })))
  row.insertCell().append(button)
  return row
}

async function show() {
  const { items } = await api(`${ROUTES}/rules`)
  rules.replaceChildren(...items.map(rowOf))
  status.textContent = items.length === 1 ? '1 rule' : `${items.length} rules`
}

/** Does it, and shows what the rules are now, or why it could not be done. */
async function attempt(change) {
  try {
    await change()
    await show()
    return true
  } catch (error) {
    status.textContent = error.message
    return false
  }
}

addForm.addEventListener('submit', async (event) => {
  event.preventDefault()
  const json = Object.fromEntries(new FormData(addForm))
  if (await attempt(() => api(`${ROUTES}/rules`, { method: 'POST', json }))) addForm.reset()
})

tryForm.addEventListener('submit', async (event) => {
  event.preventDefault()
  try {
    const { rejectedBy, text } = await api(`${ROUTES}/try`, { method: 'POST', json: Object.fromEntries(new FormData(tryForm)) })
    tried.textContent = rejectedBy === undefined ? text : 'This message would be rejected.'
  } catch (error) {
    tried.textContent = error.message
  }
})

await attempt(() => undefined)
