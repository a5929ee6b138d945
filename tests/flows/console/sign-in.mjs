// The ways in: a password, a mailed code, a mailed link, and another's sign-in.
import { offendingElements, open, picture, same, signIn } from './browser.mjs'

const { MAILS } = process.env

const library = (page) => page.getByRole('heading', { name: 'Library' }).waitFor()
const press = (page, name) => page.getByRole('button', { name, exact: true }).click()

/** The newest mail that Auth would have sent to this address. */
async function mailTo(address) {
  const mails = await (await fetch(MAILS)).json()
  return mails.findLast(({ to }) => to === address)
}

/** Asks for a mail. */
async function askForCode(page, address) {
  await press(page, 'Sign in with a mailed code')
  await page.getByLabel('E-mail').fill(address)
  await press(page, 'Mail me a code')
  await page.getByText(`If ${address} has an account`).waitFor()
}

export const signIns = {
  async 'a wrong password is told, and the right one opens the library'(browser) {
    const opened = await open(browser)
    const { page } = opened
    await page.getByLabel('E-mail').fill('admin@example.com')
    await page.getByLabel('Password').fill('wrong')
    await press(page, 'Sign in')
    await page.getByRole('alert').getByText('The e-mail address or the password is wrong.').waitFor()
    await signIn(page)
    await page.reload()
    await library(page)
    await press(page, 'Sign out')
    await page.getByLabel('Password').waitFor()
    return opened
  },

  async 'a mailed code opens the library, and a wrong one is told'(browser) {
    const opened = await open(browser)
    const { page } = opened
    await askForCode(page, 'user@example.com')
    await picture(page, 'sign-in-code')
    same(await offendingElements(page), [], 'accessibility of the code')
    const { token } = await mailTo('user@example.com')
    await page.getByLabel('Code').fill(token === '000000' ? '000001' : '000000')
    await press(page, 'Sign in')
    await page.getByRole('alert').getByText('The code is wrong or too old').waitFor()
    await page.getByLabel('Code').fill(` ${token} `)
    await press(page, 'Sign in')
    await library(page)
    return opened
  },

  async 'nobody hears whether an address has an account'(browser) {
    const opened = await open(browser)
    const { page } = opened
    await askForCode(page, 'nobody@example.com')
    same(await mailTo('nobody@example.com'), undefined, 'a mail')
    await press(page, 'Sign in with a password')
    same(await page.getByLabel('E-mail').inputValue(), 'nobody@example.com', 'the address that was typed')
    return opened
  },

  async 'a mailed link opens the library where it was asked for, and nowhere else'(browser) {
    const opened = await open(browser)
    const { page } = opened
    await askForCode(page, 'reader@example.com')
    const { action_link } = await mailTo('reader@example.com')
    const elsewhere = await open(browser)
    await elsewhere.page.goto(action_link)
    await elsewhere.page.getByRole('alert').getByText('Open the link in the browser').waitFor()
    same(new URL(elsewhere.page.url()).search, '', 'the code in the address')
    await elsewhere.close()
    await askForMore(page)
    await page.goto((await mailTo('reader@example.com')).action_link)
    await library(page)
    same(new URL(page.url()).pathname, '/console', 'the page')
    return opened
  },

  async "another's sign-in goes on where one was"(browser) {
    const opened = await open(browser, { path: '/trash' })
    const { page } = opened
    await press(page, 'Continue with GitHub')
    await page.getByRole('link', { name: 'user@example.com' }).click()
    await page.getByRole('heading', { name: 'Trash', exact: true }).waitFor()
    same(new URL(page.url()).pathname, '/console/trash', 'the page')
    return opened
  },

  async 'a session that ends asks to sign in, and goes on where one was'(browser) {
    const opened = await open(browser)
    const { page } = opened
    await signIn(page, 'reader@example.com')
    await page.goto(`${page.url().replace(/\?.*/, '')}?folder=products/mugs&view=list`)
    await page.getByText('90 found').waitFor()
    await page.evaluate(() => {
      const [name, text] = Object.entries(localStorage).find(([, text]) => text.includes('refresh_token'))
      localStorage.setItem(name, JSON.stringify({ ...JSON.parse(text), expires_at: 1, refresh_token: 'withdrawn' }))
    })
    await page.reload()
    await page.getByLabel('Password').waitFor()
    await signIn(page, 'reader@example.com')
    await page.getByText('90 found').waitFor()
    same(new URL(page.url()).searchParams.get('view'), 'list', 'the address')
    return opened
  },

  async 'a refusal on another\'s page is told'(browser) {
    const path = '/callback?error=access_denied&error_description=The+user+has+denied+access'
    const opened = await open(browser, { path })
    const { page } = opened
    await page.getByRole('alert').getByText('The user has denied access').waitFor()
    await signIn(page)
    return opened
  },
}

/** The first link is used up. */
async function askForMore(page) {
  await press(page, 'Send another code')
  await press(page, 'Mail me a code')
  await page.getByLabel('Code').waitFor()
}
