/** Version 4 of Express, whose types differ from those of version 5 only where this project does not look. */
declare module 'express-4' {
  export { default } from 'express'
}
