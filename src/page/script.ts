/**
 * The script of the container page: local times, sorting, filtering, copying links, and a lightbox. The page works
 * without it. It reads only what the page holds and asks nothing of the network.
 *
 * @module
 */

/** Written to be short, since it is sent with each page as it is. */
export const script: string = `{
const d=document,one=(s,e=d)=>e.querySelector(s),all=(s,e=d)=>[...e.querySelectorAll(s)]
const list=one('ul'),rows=all('li'),input=one('input'),select=one('select'),said=one('output')
for(const t of all('time'))t.textContent=new Date(t.dateTime).toLocaleString([],{month:'short',day:'numeric',hour:'numeric',minute:'2-digit'})
for(const e of all('.tools,.copy'))e.hidden=false
const text=(r,s)=>one(s,r).textContent,by=(a,b,s)=>text(a,s).localeCompare(text(b,s),[],{numeric:true})
const orders={
name:(a,b)=>by(a,b,'.name a'),
size:(a,b)=>b.dataset.size-a.dataset.size,
kind:(a,b)=>by(a,b,'.kind')||orders.name(a,b)}
if(input){
select.onchange=()=>list.append(...rows.toSorted(orders[select.value]||(()=>0)))
input.oninput=()=>{const q=input.value.trim().toLowerCase()
for(const r of rows)r.hidden=!(text(r,'.name')+text(r,'.kind')).toLowerCase().includes(q)
said.value=q&&rows.filter(r=>!r.hidden).length+' of '+rows.length}}
const box=d.createElement('dialog');box.ariaLabel='Picture'
box.innerHTML='<img><p><a download></a><span></span><button>Previous</button><button>Next</button><button autofocus>Close</button></p>'
const [img,name,place,back,on,close]=all('img,a,span,button',box)
let shown=[],at=0
const show=n=>{at=(n+shown.length)%shown.length;const r=shown[at].closest('li'),a=one('.name a',r)
img.src=shown[at].href;img.alt=name.textContent=a.textContent;name.href=a.href
place.textContent=at+1+' of '+shown.length;back.hidden=on.hidden=shown.length<2}
back.onclick=()=>show(at-1);on.onclick=()=>show(at+1);close.onclick=()=>box.close();img.onclick=close.onclick
box.onkeydown=e=>{if(e.key=='ArrowLeft')show(at-1);if(e.key=='ArrowRight')show(at+1)}
d.body.append(box)
d.onclick=async e=>{const t=e.target.closest('.copy,.shot,a.thumb,.pic');if(!t||e.ctrlKey||e.metaKey)return
const r=t.closest('li')
if(t.matches('.copy')){const url=one('.name a',r).href
try{await navigator.clipboard.writeText(url);t.textContent='Copied';said.value='Link copied';setTimeout(()=>{t.textContent='Copy link';said.value=''},2000)}
catch{prompt('Copy this link:',url)}}
else{e.preventDefault();shown=all('li:not([hidden]) a.thumb');box.showModal();show(shown.indexOf(one('a.thumb',r)))}}
}`
