/** The magpie: a black bird with a white belly and the blue-green of its wing and tail. */
export function Logo({ class: cls }: { class?: string }) {
  return (
    <svg class={cls ?? 'logo'} viewBox="0 0 48 48" aria-hidden="true">
      <path class="logo-tail" d="M19.5 27.5 3 44.500l4.2.5L25 34z" />
      <path
        class="logo-body"
        d="M44.5 15.2 37 12.600C35.2 8.4 31.5 6 27.3 6 20.5 6 16.5 11.3 16.5 18c0 9.5 5 17.5 12.5 17.5 6.5 0 10-5.5 10-11.5 0-2.6-.5-4.4-.9-6z"
      />
      <path
        class="logo-belly"
        d="M25.5 26c3.5-1.5 8.5-3.5 12.5-5.5.5 1.1.7 2.3.7 3.5 0 5.8-3.4 11.5-9.7 11.5-2 0-3.7-.5-5.2-1.5 2.7-1.6 3-5.5 1.7-8z"
      />
      <path class="logo-wing" d="M17 20c3.5 4.5 9 5.5 15.5 3.5-2.5 7.5-9 10.5-14.5 8C16.7 28.5 16.2 24 17 20z" />
      <circle class="logo-eye" cx="30.8" cy="13.2" r="1.7" />
    </svg>
  );
}
